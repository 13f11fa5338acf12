// The module StackStore.
