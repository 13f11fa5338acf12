import ArgumentParser
import Glibc
import LinuxSystem
import StackEngine
import StackLogs
import StackModel
import StackStore
import SystemPackage

struct LogsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs", abstract: "Print what the services wrote, in the order of time.",
    discussion: """
      With --group container after container instead, each under its name; in GitHub Actions as groups that fold.
      """)

  @OptionGroup var global: NamedProjectOptions
  @Flag(name: [.short, .long], help: "Go on until nothing runs any more.") var follow = false
  @Option(name: [.customShort("n"), .long], help: "Only the last lines of each container: a number, or all.")
  var tail = "all"
  @Option(help: "Only from a time on: 2026-01-31T12:00:00Z, or 10m for the last ten minutes.") var since: String?
  @Option(help: "Only up to a time.") var until: String?
  @Flag(name: [.short, .long], help: "Times before the lines.") var timestamps = false
  @Flag(help: "No colours.") var noColor = false
  @Flag(help: "No names before the lines.") var noLogPrefix = false
  @Option(help: ArgumentHelp("Only the container with this number of each service.", valueName: "number")) var index:
    Int?
  @Flag(help: "Container after container, each under its name.") var group = false
  @Argument(help: "Only these services.") var services: [String] = []

  func validate() throws {
    if group && follow {
      throw ValidationError("--group cannot be combined with --follow: what comes is in the order of time")
    }
  }

  func run() throws {
    let project = Project(global)
    let selection = LogSelection(
      since: try Moment.since1970(since), until: try Moment.since1970(until), tail: try count())
    let isMeant = { (service: Service) in service.isAttached ?? true }
    try project.actingOnFile(on: services, where: isMeant) { name, services in
      let containers = try chosen(project.engine.containers(of: name, services: services))
      var output = LogOutput(
        LogRenderer.Style(
          usesColors: project.terminal.usesColour && !noColor, showsNames: !noLogPrefix && !group,
          showsTimes: timestamps))
      do {
        if group {
          try output.printGroups(
            containers, selection: selection, markers: project.isGitHubActions ? .gitHub : .headings)
        } else if follow {
          try output.follow(containers, selection: selection, interruption: nil)
        } else {
          try output.print(containers, selection: selection)
        }
      } catch let error as SystemCallError where error.errno == .brokenPipe {
        // The reader wants no more.
      }
    }
  }

  private func chosen(_ containers: [ContainerStatus]) throws(EngineError) -> [ContainerStatus] {
    guard let index else { return containers }
    let chosen = containers.filter { $0.record?.isOneOff == false && $0.record?.number == index }
    if chosen.isEmpty { throw EngineError(.failure, "there is no container with index \(index)") }
    return chosen
  }

  private func count() throws -> Int? {
    if tail == "all" || tail == "-1" { return nil }
    guard let count = Int(tail), count >= 0 else { throw ValidationError("--tail takes a number, or all") }
    return count
  }
}

/// The moments that `--since` and `--until` name.
enum Moment {
  /// In nanoseconds since 1970.
  static func since1970(_ text: String?) throws -> UInt64? {
    guard let text else { return nil }
    guard let moment = LogTime.moment(text, now: KernelClock.realtime) else {
      throw ValidationError("\(text) is neither a time (2026-01-31T12:00:00Z) nor a duration (10m)")
    }
    return moment
  }
}
