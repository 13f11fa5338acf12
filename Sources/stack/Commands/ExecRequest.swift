import ArgumentParser
import Glibc
import IsolationEngine
import LinuxMounts
import LinuxSystem
import StackEngine
import StackFile
import StackModel

/// What `exec` was asked for.
struct ExecRequest {
  let project: Project
  var environment: [String] = []
  var user: String?
  var workingDirectory: String?
  var hasNoTerminal = false
  var hasNoInput = false
  var isDetached = false
  var isPrivileged = false
  var index: Int?
  let service: String
  let command: [String]

  init(_ project: Project, service: String, command: [String]) {
    self.project = project
    self.service = service
    self.command = command.first == "--" ? Array(command.dropFirst()) : command
  }

  /// - Returns: nil when the arguments are not all plain: see ``PlainArguments``.
  init?(plain arguments: ArraySlice<String>) {
    let flags = [
      "-d": "detach", "--detach": "detach", "-T": "no-tty", "--no-tty": "no-tty", "-i": "interactive", "-t": "tty",
      "--privileged": "privileged",
    ]
    let options = [
      "-e": "env", "--env": "env", "-u": "user", "--user": "user", "-w": "workdir", "--workdir": "workdir",
      "-p": "project", "--project-name": "project", "--file": "file",
    ]
    guard let plain = PlainArguments(arguments, flags: flags, options: options, words: .last),
      let service = plain.words.first, plain.words.count > 1, plain.words.dropFirst() != ["--"]
    else { return nil }
    self.init(plain.project, service: service, command: Array(plain.words.dropFirst()))
    environment = plain.all("env")
    user = plain.last("user")
    workingDirectory = plain.last("workdir")
    hasNoTerminal = plain.has("no-tty")
    isDetached = plain.has("detach")
    isPrivileged = plain.has("privileged")
  }

  func run() throws {
    let name = try project.nameAlone()
    try project.reporting {
      var exec = try project.engine.exec(in: service, of: name, index: index, command: command)
      if try exec.canWriteToOwnProgram {
        // Executes this command again, from where the container cannot; what the file says is known by then.
        var arguments = CommandLine.arguments
        arguments.insert(contentsOf: ["--project-name", name], at: min(1, arguments.count))
        try OwnProgram.moveOutOfReach(arguments)
      }
      exec.isPrivileged = isPrivileged
      exec.process.environment += try CommandVariables(project: project).variables(environment).map {
        "\($0.name)=\($0.value)"
      }
      if let user { exec.process.user = user }
      if let workingDirectory { exec.process.workingDirectory = workingDirectory }
      if hasNoInput { try Files.emptyStandardInput() }
      exec.process.hasTerminal = !hasNoTerminal && !isDetached && isatty(0) == 1 && isatty(1) == 1
      do {
        let code = try ExecSession(exec: exec, isDetached: isDetached).run()
        if code != 0 { throw ExitCode(code) }
      } catch let error as LaunchError {
        project.terminal.error("stack: \(service): \(error)\n")
        throw ExitCode(error.exitCode)
      }
    }
  }
}
