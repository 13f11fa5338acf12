import ArgumentParser
import Glibc
import LinuxSystem
import StackEngine
import StackModel
import StackStore
import SystemPackage

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run one command in a container of its own of a service.",
    discussion: "What the service depends on is started first, and stays. Ends with the command's own exit code.")

  @OptionGroup var global: ProjectOptions
  @Flag(help: "Remove the container when the command has ended.") var rm = false
  @Flag(name: [.short, .long], help: "Do not wait for the command; its output goes into its log.") var detach = false
  @Option(name: [.short, .long], help: "A variable, NAME=value, or NAME with the caller's value.") var env: [String] =
    []
  @Option(help: "A file with variables.") var envFromFile: [String] = []
  @Option(
    name: [.short, .long, .customLong("volumes")],
    help: "SOURCE:TARGET[:ro]: a directory of the machine in the container.")
  var volume: [String] = []
  @Option(name: [.short, .long], help: "[[IP:]HOST:]PORT[/udp]: a port of the container to publish.") var publish:
    [String] = []
  @Flag(name: [.customShort("P"), .long], help: "Publish the service's ports.") var servicePorts = false
  @Option(help: "The program, instead of the service's entrypoint.") var entrypoint: String?
  @Option(name: [.short, .long], help: "user[:group], instead of the service's.") var user: String?
  @Option(name: [.short, .long], help: "The working directory, instead of the service's.") var workdir: String?
  @Option(help: "The container's name.") var name: String?
  @Option(name: [.short, .long], help: "A label, NAME=value.") var label: [String] = []
  @Option(help: "A capability to add.") var capAdd: [String] = []
  @Option(help: "A capability to take away.") var capDrop: [String] = []
  @Flag(help: "Without the services that it depends on.") var noDeps = false
  @Flag(help: "With the service's names on its networks.") var useAliases = false
  @Flag(
    name: [.customShort("T"), .customLong("no-tty"), .customLong("no-TTY")],
    help: "No terminal, even when there is one.")
  var noTty = false
  @Flag(name: [.short, .long], help: "Accepted: standard input is always passed on.") var interactive = false
  @Flag(
    name: [.customShort("t"), .customLong("tty")],
    help: "Insist on a terminal: there is one when this command has one, and it is an error when it has none.")
  var tty = false
  @Flag(help: "Stop and remove containers of services that the file does not have any more.") var removeOrphans = false
  @Flag(name: [.short, .long], help: "Without progress.") var quiet = false
  @OptionGroup var images: ImageOptions
  @Argument(help: "The service.") var service: String
  @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.") var command: [String] = []

  func run() throws {
    let project = Project(global)
    let (stack, orphans) = try project.stackAndOrphans(services: [service], removed: removeOrphans, images: images)
    try project.reporting {
      var options = try options(project, stack)
      options.removesOrphans = orphans == .removed
      options.ignoresOrphans = orphans == .ignored
      options.keepsStandardInput = detach
      if tty && !noTty && !detach && isatty(0) == 0 {
        throw EngineError(.failure, "the input device is not a TTY")
      }
      options.hasTerminal = !noTty && !detach && isatty(0) == 1 && isatty(1) == 1
      let signals =
        detach
        ? nil
        : try SignalDescriptor(options.hasTerminal ? UserTerminal.signals : [SIGINT, SIGTERM, SIGQUIT, SIGHUP])
      let container = try project.engine.run(
        stack, options, streams: detach ? nil : [.standardInput, .standardOutput, .standardError])
      guard let signals else {
        if rm {
          let engine = project.engine
          // Best effort: `down` removes it too.
          try Keeper.leave(nil, until: try container.directory.read(.run)?.shim.open()) {
            try? engine.remove(oneOff: container.directory, of: stack.name)
          }
        }
        project.terminal.write(try ContainerStatus(container.directory).name + "\n")
        return
      }
      let code = try ForegroundSession(
        container: container, engine: project.engine, project: stack.name, signals: signals, isRemoved: rm
      ).run()
      if code != 0 { throw ExitCode(code) }
    }
  }

  private func options(_ project: Project, _ stack: Stack) throws -> RunOptions {
    var options = RunOptions(service: service)
    let words = command.first == "--" ? Array(command.dropFirst()) : command
    options.command = words.isEmpty ? nil : words
    options.entrypoint = entrypoint.map { $0.split(separator: " ").map(String.init) }
    options.environment = try CommandVariables(project: project).variables(env, files: envFromFile)
    options.user = user
    options.workingDirectory = workdir
    options.name = name
    options.labels = Dictionary(
      label.map { text in
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      }, uniquingKeysWith: { _, last in last })
    options.mounts = try volume.map { try CommandVariables.mount($0, stack: stack) }
    options.ports = try publish.map(CommandVariables.port)
    options.addedCapabilities = capAdd
    options.droppedCapabilities = capDrop
    options.publishesServicePorts = servicePorts
    options.usesAliases = useAliases
    options.withoutDependencies = noDeps
    return options
  }
}
