// The module StackLogs.
