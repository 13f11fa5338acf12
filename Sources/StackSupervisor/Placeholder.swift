// The module StackSupervisor.
