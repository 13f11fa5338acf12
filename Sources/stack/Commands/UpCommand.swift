import ArgumentParser
import StackEngine

struct UpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "up", abstract: "Start a stack, or bring a running one to what its file says.",
    discussion: """
      Without -d the services' output is shown until all have ended. The first Ctrl-C stops them as their files say, the \
      second kills them at once. A stack that cannot be started is taken back, unless --keep is given.
      """)

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Return as soon as the services run.") var detach = false
  @OptionGroup var changes: ChangeOptions
  @Flag(help: "Without the services that the named ones depend on.") var noDeps = false
  @Flag(help: "Only make the containers.") var noStart = false
  @Flag(name: [.customShort("V"), .long], help: "Anonymous volumes of containers that are made anew are empty again.")
  var renewAnonVolumes = false
  @Flag(help: "Stop and remove containers of services that the file does not have any more.") var removeOrphans = false
  @Flag(help: "Return when all services are ready: healthy where they have a health check. Implies -d.") var wait =
    false
  @Option(help: "Seconds to wait for that.") var waitTimeout: Int?
  @Flag(help: "Leave a stack that cannot be started as it is.") var keep = false
  @Option(name: [.short, .long], help: "Seconds to wait for containers that have to be stopped.") var timeout: Int?
  @Flag(help: "No colours.") var noColor = false
  @Flag(help: "No names before the lines.") var noLogPrefix = false
  @Flag(help: "Times before the lines.") var timestamps = false
  @Flag(help: "Stop all services when one has ended, and end with its code.") var abortOnContainerExit = false
  @Flag(help: "Stop all services when one has failed, and end with its code.") var abortOnContainerFailure = false
  @Option(help: "End with the exit code of a service. Implies --abort-on-container-exit.") var exitCodeFrom: String?
  @Option(help: ArgumentHelp("Show only the output of these services.", valueName: "service")) var attach: [String] = []
  @Option(help: ArgumentHelp("Do not show the output of these services.", valueName: "service")) var noAttach:
    [String] = []
  @Flag(help: "Accepted: the output of what the named services depend on is shown too.") var attachDependencies = false
  @OptionGroup var timings: TimingsOptions
  @Flag(name: [.short, .long], help: "Accepted, with a line that says so: files are not watched.") var watch = false
  @Flag(help: "Accepted: there is no menu of keys.") var menu = false
  @Flag(name: [.short, .long], help: "Accepted: nothing is asked.") var yes = false
  @Argument(help: "The services to start, with what they depend on; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    if watch {
      project.terminal.error("stack: --watch: files are not watched; another `stack up` takes over what has changed\n")
    }
    var request = UpRequest(project, services: services)
    request.options.recreation = try changes.recreation
    request.options.dependencyRecreation = changes.dependencyRecreation
    request.options.scale = try changes.counts
    request.options.withoutDependencies = noDeps
    request.options.onlyCreates = noStart
    request.options.renewsAnonymousVolumes = renewAnonVolumes
    request.options.keepsOnFailure = keep
    request.options.timeout = timeout
    request.options.waits = wait
    request.options.waitTimeout = waitTimeout
    request.removesOrphans = removeOrphans
    request.images = changes.images
    request.timings = timings
    request.isDetached = detach
    request.usesColours = !noColor
    request.showsNames = !noLogPrefix
    request.showsTimes = timestamps
    request.attached = attach
    request.notAttached = noAttach
    request.exitCodeFrom = exitCodeFrom
    if abortOnContainerExit && abortOnContainerFailure {
      throw ValidationError("--abort-on-container-exit and --abort-on-container-failure exclude each other")
    }
    if abortOnContainerFailure { request.trigger = .failure }
    if abortOnContainerExit || exitCodeFrom != nil { request.trigger = .exit }
    try request.run()
  }
}
