import ArgumentParser
import Glibc
import StackSupervisor

// The process that makes shims is dispatched before anything else: it must start in a millisecond, and stay small.
let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "shims" {
  ShimFactory.main()
} else {
  StackCommand.main(GlobalArguments.hoisted(arguments))
}
