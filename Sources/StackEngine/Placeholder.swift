// The module StackEngine.
