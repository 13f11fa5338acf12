import ArgumentParser
import Glibc
import LinuxSystem
import StackEngine
import StackModel
import StackStore
import SystemPackage

/// What `run` was asked for.
struct RunRequest {
  let project: Project
  let service: String
  let command: [String]
  var isRemoved = false
  var isDetached = false
  var environment: [String] = []
  var environmentFiles: [String] = []
  var volumes: [String] = []
  var ports: [String] = []
  var publishesServicePorts = false
  var entrypoint: String?
  var user: String?
  var workingDirectory: String?
  var name: String?
  var labels: [String] = []
  var addedCapabilities: [String] = []
  var droppedCapabilities: [String] = []
  var withoutDependencies = false
  var usesAliases = false
  var hasNoTerminal = false
  /// It is an error when there is none.
  var needsTerminal = false
  var hasNoInput = false
  var removesOrphans = false
  /// nil is as when nothing is said of images.
  var images: ImageOptions?

  init(_ project: Project, service: String, command: [String]) {
    self.project = project
    self.service = service
    self.command = command.first == "--" ? Array(command.dropFirst()) : command
  }

  /// Reads arguments as scripts write them, without the parser of command lines: that takes as long as it takes to start the
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
      case "--rm", "-d", "--detach", "-T", "--no-tty", "--no-TTY", "-i", "--no-deps": flags.insert(word)
      case "-e", "--env", "-u", "--user", "-w", "--workdir", "--name", "--project-name", "--file":
        guard let value = rest.popFirst() else { return nil }
        values[word.hasPrefix("--") ? word : Self.longNames[word] ?? word, default: []].append(value)
      default: return nil
      }
    }
    guard let service = rest.popFirst(), rest != ["--"] else { return nil }
    self.init(
      Project(ProjectOptions.plain(name: values["--project-name"]?.last, files: values["--file"] ?? [])),
      service: service, command: Array(rest))
    environment = values["--env"] ?? []
    user = values["--user"]?.last
    workingDirectory = values["--workdir"]?.last
    name = values["--name"]?.last
    isRemoved = flags.contains("--rm")
    isDetached = !flags.isDisjoint(with: ["-d", "--detach"])
    hasNoTerminal = !flags.isDisjoint(with: ["-T", "--no-tty", "--no-TTY"])
    withoutDependencies = flags.contains("--no-deps")
  }

  private static let longNames = ["-e": "--env", "-u": "--user", "-w": "--workdir"]

  func run() throws {
    let (stack, orphans) = try project.stackAndOrphans(services: [service], removed: removesOrphans, images: images)
    try project.reporting {
      var options = try options(stack)
      options.removesOrphans = orphans == .removed
      options.ignoresOrphans = orphans == .ignored
      options.keepsStandardInput = isDetached
      if needsTerminal && !hasNoTerminal && !isDetached && isatty(0) == 0 {
        throw EngineError(.failure, "the input device is not a TTY")
      }
      if hasNoInput { try Files.emptyStandardInput() }
      options.hasTerminal = !hasNoTerminal && !isDetached && isatty(0) == 1 && isatty(1) == 1
      if isDetached { return try runDetached(stack, options) }
      let signals = try SignalDescriptor(
        options.hasTerminal ? UserTerminal.signals : [SIGINT, SIGTERM, SIGQUIT, SIGHUP])
      let container = try project.engine.run(
        stack, options, streams: [.standardInput, .standardOutput, .standardError])
      let code = try ForegroundSession(
        container: container, engine: project.engine, project: stack.name, signals: signals, isRemoved: isRemoved
      ).run()
      if code != 0 { throw ExitCode(code) }
    }
  }

  private func runDetached(_ stack: Stack, _ options: RunOptions) throws {
    let container = try project.engine.run(stack, options, streams: nil)
    if isRemoved {
      let engine = project.engine
      // Best effort: `down` removes it too.
      try Keeper.leave(nil, until: try container.directory.read(.run)?.shim.open()) {
        try? engine.remove(oneOff: container.directory, of: stack.name)
      }
    }
    project.terminal.write(try ContainerStatus(container.directory).name + "\n")
  }

  private func options(_ stack: Stack) throws -> RunOptions {
    var options = RunOptions(service: service)
    options.command = command.isEmpty ? nil : command
    options.entrypoint = entrypoint.map { $0.split(separator: " ").map(String.init) }
    options.environment = try CommandVariables(project: project).variables(environment, files: environmentFiles)
    options.user = user
    options.workingDirectory = workingDirectory
    options.name = name
    options.labels = Dictionary(
      labels.map { text in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      }, uniquingKeysWith: { _, last in last })
    options.mounts = try volumes.map { try CommandVariables.mount($0, stack: stack) }
    options.ports = try ports.map(CommandVariables.port)
    options.addedCapabilities = addedCapabilities
    options.droppedCapabilities = droppedCapabilities
    options.publishesServicePorts = publishesServicePorts
    options.usesAliases = usesAliases
    options.withoutDependencies = withoutDependencies
    return options
  }
}
