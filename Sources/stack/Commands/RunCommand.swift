import ArgumentParser

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
  @Flag(name: [.short, .long], help: "Accepted: standard input is passed on.") var interactive = false
  @Flag(help: "Without standard input, and so without a terminal; the same as -i=false.") var noInteractive = false
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
    var options = global
    if quiet { options.progress = .quiet }
    let project = Project(options)
    try project.refuseDryRun()
    var request = RunRequest(project, service: service, command: command)
    request.isRemoved = rm
    request.isDetached = detach
    request.environment = env
    request.environmentFiles = envFromFile
    request.volumes = volume
    request.ports = publish
    request.publishesServicePorts = servicePorts
    request.entrypoint = entrypoint
    request.user = user
    request.workingDirectory = workdir
    request.name = name
    request.labels = label
    request.addedCapabilities = capAdd
    request.droppedCapabilities = capDrop
    request.withoutDependencies = noDeps
    request.usesAliases = useAliases
    request.hasNoTerminal = noTty
    request.needsTerminal = tty
    request.hasNoInput = noInteractive
    request.removesOrphans = removeOrphans
    request.images = images
    try request.run()
  }
}
