import ArgumentParser
import Glibc
import StackSupervisor

// The processes of the engine are dispatched before anything else: they must start in a millisecond, and stay small.
let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "shims": ShimFactory.main()
case "supervise": SupervisorProcess.main(Array(arguments.dropFirst()))
default: StackCommand.main(GlobalArguments.hoisted(arguments))
}
