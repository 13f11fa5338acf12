// The module StackImages.
