import ArgumentParser
import Glibc
import JSONDocument
import LinuxSystem
import StackEngine
import StackLogs
import StackStore

struct EventsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events", abstract: "Print what happens to the containers of a stack, from now on.",
    discussion: "Ends with the stack, or by Ctrl-C.")

  @OptionGroup var global: GlobalOptions
  @Flag(help: "An object a line.") var json = false
  @Argument(help: "Only these services.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    try project.acting(on: services) { name, services in
      // Of a stack that is not there nothing is to be told.
      guard project.paths.project(name).exists else { return }
      var watch = try EventWatch(project.paths.project(name))
      while let events = try watch.next() {
        for event in events where services.isEmpty || services.contains(event.service) {
          project.terminal.write(json ? event.json.text() + "\n" : event.text + "\n")
        }
      }
    }
  }
}

/// Something that happened to a container, in docker compose's words.
struct ContainerEvent {
  let time: UInt64
  let service: String
  let id: String
  let container: String
  let action: String
  let attributes: [(String, String)]

  var json: JSON {
    .members([
      ("time", .string(LogTime.text(time))), ("type", .string("container")), ("service", .string(service)),
      ("id", .string(id)), ("action", .string(action)),
      ("attributes", .members(([("name", container)] + attributes).map { ($0.0, .string($0.1)) })),
    ])
  }

  var text: String {
    let details = ([("name", container)] + attributes).map { "\($0.0)=\($0.1)" }.joined(separator: ", ")
    return "\(LogTime.text(time)) container \(action) \(id) (\(details))"
  }
}

/// Finds out what happens in a stack by the difference between looks at its state, each when the kernel tells of a change.
struct EventWatch {
  private let directory: ProjectDirectory
  private let inotify: Inotify
  private var known: [String: Seen] = [:]
  private var watched: Set<String> = []

  private struct Seen: Equatable {
    let service: String
    let id: String
    let state: String
    let run: Int
    let health: String
    let code: Int32?
  }

  init(_ directory: ProjectDirectory) throws {
    self.directory = directory
    inotify = try Inotify()
    try watch(directory.path)
    known = try look()
  }

  private func watch(_ path: String) throws(SystemCallError) {
    let mask = UInt32(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF)
    _ = try inotify.add(path, mask)
  }

  private mutating func look() throws -> [String: Seen] {
    var seen: [String: Seen] = [:]
    if Files.exists(directory.containersPath), watched.insert(directory.containersPath).inserted {
      try watch(directory.containersPath)
    }
    for container in try directory.containers() {
      if watched.insert(container.path).inserted { try? watch(container.path) }
      // What is being removed is seen to be gone next.
      guard let status = try? ContainerStatus(container), let summary = ContainerSummary(status) else { continue }
      let run =
        switch status.state {
        case .running(let run, _), .exited(let run, _): run.run
        case .created, .starting: 0
        }
      seen[container.name] = Seen(
        service: summary.record.service, id: summary.id, state: summary.stateName, run: run, health: summary.health,
        code: status.state.exitCode)
    }
    watched.formIntersection([directory.containersPath] + seen.keys.map { directory.container($0).path })
    return seen
  }

  /// Waits for the next events; nil when the stack is gone.
  mutating func next() throws -> [ContainerEvent]? {
    while true {
      if !directory.exists { return nil }
      _ = try Polling.readable([inotify.descriptor])
      inotify.drain()
      let now = try look()
      let events = difference(now)
      known = now
      if !events.isEmpty { return events }
    }
  }

  private func difference(_ now: [String: Seen]) -> [ContainerEvent] {
    var events: [ContainerEvent] = []
    func event(_ name: String, _ seen: Seen, _ action: String, _ attributes: [(String, String)] = []) {
      events.append(
        ContainerEvent(
          time: KernelClock.realtime, service: seen.service, id: seen.id, container: name, action: action,
          attributes: attributes))
    }
    for (name, old) in known.sorted(by: { $0.key < $1.key }) where now[name] == nil || now[name]?.id != old.id {
      event(name, old, "destroy")
    }
    for (name, new) in now.sorted(by: { $0.key < $1.key }) {
      let old = known[name].flatMap { $0.id == new.id ? $0 : nil }
      if old == nil { event(name, new, "create") }
      if new.run > 0, new.run != old?.run ?? 0 { event(name, new, "start") }
      let hasEnded = new.state == "exited" || new.state == "restarting"
      if hasEnded, old?.run != new.run || old?.state == "running" || old?.state == "paused" {
        event(name, new, "die", [("exitCode", "\(new.code ?? 0)")])
      }
      if new.state == "paused", old?.state != "paused" { event(name, new, "pause") }
      if new.state == "running", old?.state == "paused" { event(name, new, "unpause") }
      if !new.health.isEmpty, new.health != old?.health ?? "", new.health != "starting" {
        event(name, new, "health_status: \(new.health)")
      }
    }
    return events
  }
}
