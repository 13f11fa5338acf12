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

  /// Reads arguments as scripts write them, without the parser of command lines: that takes longer than it takes to enter the
  /// container.
  ///
  /// - Returns: nil when there is anything else in them. Then the parser reads them, or says what is wrong.
  init?(plain arguments: ArraySlice<String>) {
    var rest = arguments
    var values: [String: [String]] = [:]
    var flags: Set<String> = []
    while let word = rest.first, word.hasPrefix("-") {
      rest.removeFirst()
      switch word {
      case "-T", "--no-tty", "-i", "-t", "-d", "--detach", "--privileged": flags.insert(word)
      case "-e", "--env", "-u", "--user", "-w", "--workdir", "-p", "--project-name", "--file":
        guard let value = rest.popFirst() else { return nil }
        values[String(word.drop { $0 == "-" }.prefix(1)), default: []].append(value)
      default: return nil
      }
    }
    guard let service = rest.popFirst(), !rest.isEmpty, rest != ["--"] else { return nil }
    self.init(
      Project(ProjectOptions.plain(name: values["p"]?.last, files: values["f"] ?? [])), service: service,
      command: Array(rest))
    environment = values["e"] ?? []
    user = values["u"]?.last
    workingDirectory = values["w"]?.last
    hasNoTerminal = !flags.isDisjoint(with: ["-T", "--no-tty"])
    isDetached = !flags.isDisjoint(with: ["-d", "--detach"])
    isPrivileged = flags.contains("--privileged")
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

extension ProjectOptions {
  /// As the parser makes them when nothing else is said.
  static func plain(name: String?, files: [String]) -> ProjectOptions {
    var options = ProjectOptions()
    options.file = files
    options.projectName = name
    options.projectDirectory = nil
    options.envFile = []
    options.profile = []
    options.diagnostics = .text
    options.progress = nil
    options.ansi = .auto
    options.parallel = nil
    options.compatibility = false
    options.allResources = false
    options.dryRun = false
    return options
  }
}
