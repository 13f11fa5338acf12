// The module StackPlan.
