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

  /// - Returns: nil when the arguments are not all plain: see ``PlainArguments``.
  init?(plain arguments: ArraySlice<String>) {
    let flags = [
      "--rm": "rm", "-d": "detach", "--detach": "detach", "-T": "no-tty", "--no-tty": "no-tty", "--no-TTY": "no-tty",
      "-i": "interactive", "--no-deps": "no-deps",
    ]
    let options = [
      "-e": "env", "--env": "env", "-u": "user", "--user": "user", "-w": "workdir", "--workdir": "workdir",
      "--name": "name", "--project-name": "project", "--file": "file",
    ]
    guard let plain = PlainArguments(arguments, flags: flags, options: options, words: .last),
      let service = plain.words.first, plain.words.dropFirst() != ["--"]
    else { return nil }
    self.init(plain.project, service: service, command: Array(plain.words.dropFirst()))
    environment = plain.all("env")
    user = plain.last("user")
    workingDirectory = plain.last("workdir")
    name = plain.last("name")
    isRemoved = plain.has("rm")
    isDetached = plain.has("detach")
    hasNoTerminal = plain.has("no-tty")
    withoutDependencies = plain.has("no-deps")
  }

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
