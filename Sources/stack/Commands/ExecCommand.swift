import ArgumentParser
import Glibc
import IsolationEngine
import LinuxMounts
import LinuxSystem
import StackEngine
import StackModel
import StackStore

struct ExecCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "exec", abstract: "Run a command in a running container of a service.",
    discussion: "Ends with the command's own exit code; 126 and 127 when it cannot be executed.")

  @OptionGroup var global: NamedProjectOptions
  @Option(name: [.short, .long], help: "A variable for the command, NAME=value.") var env: [String] = []
  @Option(name: [.short, .long], help: "user[:group], instead of the service's.") var user: String?
  @Option(name: [.short, .long], help: "The working directory, instead of the service's.") var workdir: String?
  @Flag(name: [.customShort("T"), .long], help: "No terminal, even when there is one.") var noTty = false
  @Flag(name: [.short, .long], help: "Do not wait for the command.") var detach = false
  @Flag(help: "With all capabilities, and no seccomp filter.") var privileged = false
  @Option(help: "Which container of the service, from 1.") var index = 1
  @Flag(name: [.short, .long], help: "Accepted: standard input is always passed on.") var interactive = false
  @Flag(
    name: [.customShort("t"), .customLong("tty")], help: "Accepted: there is a terminal when this command has one.")
  var tty = false
  @Argument(help: "The service.") var service: String
  @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.") var command: [String]

  /// Executes this command again, from where the container cannot write to the program.
  static func moveOutOfReach() throws {
    try OwnProgram.moveOutOfReach(CommandLine.arguments)
  }

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      try Self.moveOutOfReach()
      var exec = try project.engine.exec(
        in: service, of: name, index: index, command: command.first == "--" ? Array(command.dropFirst()) : command)
      exec.isPrivileged = privileged
      exec.process.environment += try CommandVariables(project: project).variables(env).map { "\($0.name)=\($0.value)" }
      if let user { exec.process.user = user }
      if let workdir { exec.process.workingDirectory = workdir }
      exec.process.hasTerminal = !noTty && !detach && isatty(0) == 1 && isatty(1) == 1
      do {
        let code = try ExecSession(exec: exec, isDetached: detach).run()
        if code != 0 { throw ExitCode(code) }
      } catch let error as LaunchError {
        project.terminal.error("stack: \(service): \(error)\n")
        throw ExitCode(error.exitCode)
      }
    }
  }
}
