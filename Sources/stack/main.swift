import ArgumentParser
import Glibc
import StackSupervisor

// A shim or a supervisor is dispatched before anything else: it must start in a millisecond, and stay small.
switch CommandLine.arguments.dropFirst().first {
case "shim": ShimProcess.main(Array(CommandLine.arguments.dropFirst(2)))
case "supervise": SupervisorProcess.main(Array(CommandLine.arguments.dropFirst(2)))
default: StackCommand.main(GlobalArguments.hoisted(Array(CommandLine.arguments.dropFirst())))
}
