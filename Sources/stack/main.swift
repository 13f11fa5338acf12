import ArgumentParser
import Glibc
import StackEngine
import StackOCI
import StackSupervisor

// The processes of the engine are dispatched before anything else: they must start in a millisecond, and stay small.
let arguments = Array(CommandLine.arguments.dropFirst())
if OCICommand.isMeant(by: CommandLine.arguments.first) {
  OCICommand.main(arguments, version: Version.text)
}

/// What is asked for, when it is one of the commands that scripts run often, in plain words.
func plainRequest(_ arguments: [String]) -> (() throws -> Void)? {
  let rest = arguments.dropFirst()
  return switch arguments.first {
  case "exec": ExecRequest(plain: rest).map { request in { try request.run() } }
  case "run": RunRequest(plain: rest).map { request in { try request.run() } }
  case "up": UpRequest(plain: rest).map { request in { try request.run() } }
  default: nil
  }
}

switch arguments.first {
case "oci": OCICommand.main(Array(arguments.dropFirst()), version: Version.text)
case "shims": ShimFactory.main()
case "hook": HookProcess.main()
case "supervise": SupervisorProcess.main(Array(arguments.dropFirst()))
default:
  let hoisted = GlobalArguments.hoisted(arguments)
  do {
    if let request = plainRequest(hoisted) {
      try request()
      exit(0)
    }
    var command = try StackCommand.parsedAlone(hoisted) ?? StackCommand.parseAsRoot(hoisted)
    try command.run()
  } catch  where StackCommand.exitCode(for: error) == .validationFailure {
    TerminalOutput.plain.error(UsageProblem.text(error, arguments: hoisted))
    exit(2)
  } catch {
    StackCommand.exit(withError: error)
  }
}
