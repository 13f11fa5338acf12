import ArgumentParser
import Glibc
import StackSupervisor

// A shim is dispatched before anything else: it must start in a millisecond, and stay small.
let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "shim" {
  ShimProcess.main(Array(arguments.dropFirst()))
} else {
  StackCommand.main(GlobalArguments.hoisted(arguments))
}
