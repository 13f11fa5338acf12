import ArgumentParser
import Glibc
import LinuxSystem
import StackEngine
import StackLogs
import StackModel
import StackStore

/// What `up` was asked for.
struct UpRequest {
  let project: Project
  var options = UpOptions()
  var removesOrphans = false
  /// nil is as when nothing is said of images.
  var images: ImageOptions?
  var timings: TimingsOptions?
  var isDetached = false
  var usesColours = true
  var showsNames = true
  var showsTimes = false
  /// Services whose output is shown; empty is all.
  var attached: [String] = []
  var notAttached: [String] = []
  /// What ends all of them.
  var trigger = Attachment.Ending.Trigger.none
  var exitCodeFrom: String?

  init(_ project: Project, services: [String]) {
    self.project = project
    options.services = services
  }

  /// Reads arguments as scripts write them, without the parser of command lines: that takes as long as it takes to start a
  /// container.
  ///
  /// - Returns: nil when there is anything else in them. Then the parser reads them, or says what is wrong.
  init?(plain arguments: ArraySlice<String>) {
    var rest = arguments
    var values: [String: [String]] = [:]
    var services: [String] = []
    var flags: Set<String> = []
    while let word = rest.popFirst() {
      switch word {
      case "-d", "--detach", "--wait", "--remove-orphans": flags.insert(word)
      case "-f", "--file", "-p", "--project-name":
        guard let value = rest.popFirst() else { return nil }
        values[String(word.drop { $0 == "-" }.prefix(1)), default: []].append(value)
      case _ where word.hasPrefix("-"): return nil
      default: services.append(word)
      }
    }
    let global = ProjectOptions.plain(name: values["p"]?.last, files: values["f"] ?? [])
    self.init(Project(global), services: services)
    isDetached = !flags.isDisjoint(with: ["-d", "--detach"])
    options.waits = flags.contains("--wait")
    removesOrphans = flags.contains("--remove-orphans")
  }

  func run() throws {
    let (stack, orphans) = try project.stackAndOrphans(
      services: options.services, removed: removesOrphans, images: images)
    var options = options
    options.removesOrphans = orphans == .removed
    options.ignoresOrphans = orphans == .ignored
    if project.options.dryRun { return try project.preview(stack, options) }
    var ending = Attachment.Ending()
    try project.reporting { ending = try self.ending(stack) }
    let signals = try SignalDescriptor([SIGINT, SIGTERM])
    try project.reporting {
      func start(_ timings: Timings?) throws -> [ContainerDirectory] {
        try project.engine(reportingTo: nil, timings: timings).up(
          stack, options, interruption: signals.descriptor)
      }
      let started = try timings.map { try $0.taken(project, start) } ?? start(nil)
      if isDetached || options.waits || options.onlyCreates { return }
      try Attachment(
        project: project, name: stack.name, containers: started, signals: signals, timeout: options.timeout,
        style: LogRenderer.Style(
          usesColors: project.terminal.usesColour && usesColours, showsNames: showsNames, showsTimes: showsTimes),
        ending: ending
      ).run { isShown($0, stack) }
    }
  }

  private func ending(_ stack: Stack) throws -> Attachment.Ending {
    var ending = Attachment.Ending()
    ending.codeFrom = exitCodeFrom
    ending.awaited = options.services
    ending.trigger = trigger
    if isDetached || options.waits, trigger != .none {
      throw EngineError(
        .failure, "--detach cannot be combined with --abort-on-container-exit, its like, and --exit-code-from")
    }
    for name in ([exitCodeFrom].compactMap { $0 } + attached + notAttached)
    where !stack.services.contains(where: { $0.name == name }) {
      throw EngineError(.failure, "no such service: \(name)")
    }
    return ending
  }

  private func isShown(_ status: ContainerStatus, _ stack: Stack) -> Bool {
    guard let name = status.record?.service else { return false }
    if notAttached.contains(name) { return false }
    if !attached.isEmpty { return attached.contains(name) }
    return stack.services.first { $0.name == name }?.isAttached ?? true
  }
}
