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
switch arguments.first {
case "oci": OCICommand.main(Array(arguments.dropFirst()), version: Version.text)
case "shims": ShimFactory.main()
case "hook": HookProcess.main()
case "supervise": SupervisorProcess.main(Array(arguments.dropFirst()))
default:
  let hoisted = GlobalArguments.hoisted(arguments)
  do {
    if hoisted.first == "exec", let request = ExecRequest(plain: hoisted.dropFirst()) {
      try request.run()
      exit(0)
    }
    if hoisted.first == "up", let request = UpRequest(plain: hoisted.dropFirst()) {
      try request.run()
      exit(0)
    }
    if hoisted.first == "run", let request = RunRequest(plain: hoisted.dropFirst()) {
      try request.run()
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
