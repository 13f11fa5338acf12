// The module StackFile.
