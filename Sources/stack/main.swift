import ArgumentParser
import Glibc
import StackSupervisor

// The process that makes shims is dispatched before anything else: it must start in a millisecond, and stay small.
let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "shims" {
  ShimFactory.main()
} else {
  let hoisted = GlobalArguments.hoisted(arguments)
  do {
    var command = try StackCommand.parseAsRoot(hoisted)
    try command.run()
  } catch  where StackCommand.exitCode(for: error) == .validationFailure {
    TerminalOutput(colour: .never, environment: [:]).error(
      UsageProblem.text(error, arguments: hoisted))
    exit(2)
  } catch {
    StackCommand.exit(withError: error)
  }
}
