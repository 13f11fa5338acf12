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
    discussion: """
      Ends with the stack, with --until, or by Ctrl-C. Of the past, which --since asks for, is known what the containers that there \
      are remember: when each was made, was started last, became healthy and ended.
      """)

  @OptionGroup var global: GlobalOptions
  @Flag(help: "An object a line.") var json = false
  @Option(help: "Also what has happened since a time: 2026-01-31T12:00:00Z, or 10m for the last ten minutes.")
  var since: String?
  @Option(help: "Only up to a time.") var until: String?
  @Argument(help: "Only these services.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    let (since, until) = (try Moment.since1970(since), try Moment.since1970(until))
    try project.acting(on: services) { name, services in
      // Of a stack that is not there nothing is to be told.
      guard project.paths.project(name).exists else { return }
      var watch = try EventWatch(project.paths.project(name))
      func write(_ events: [ContainerEvent]) {
        for event in events where services.isEmpty || services.contains(event.service) {
          project.terminal.write(json ? event.json.text() + "\n" : event.text + "\n")
        }
      }
      if let since { write(watch.past.filter { (since...max(since, until ?? .max)).contains($0.time) }) }
      while let events = try watch.next(until: until) { write(events) }
    }
  }
}

/// Something that happened to a container, in docker compose's words.
struct ContainerEvent {
  let time: UInt64
  let service: String
  let id: String
  let container: String
  let image: String
  let action: String
  /// Those of this action alone.
  let details: [(String, String)]

  private var attributes: [(String, String)] { details + [("image", image), ("name", container)] }

  /// With docker's keys, in its order.
  var json: JSON {
    .members([
      ("action", .string(action)), ("attributes", .members(attributes.map { ($0.0, .string($0.1)) })),
      ("id", .string(id)), ("service", .string(service)), ("time", .string(LogTime.text(time))),
      ("type", .string("container")),
    ])
  }

  var text: String {
    let details = attributes.map { "\($0.0)=\($0.1)" }.joined(separator: ", ")
    return "\(LogTime.text(time)) container \(action) \(id) (\(details))"
  }
}

/// Finds out what happens in a stack by the difference between looks at its state, each when the kernel tells of a change.
struct EventWatch {
  private let directory: ProjectDirectory
  private let inotify: Inotify
  private var known: [String: Seen] = [:]
  /// What the containers of the first look remember, in the order of time.
  private(set) var past: [ContainerEvent] = []
  private var watched: Set<String> = []

  private struct Seen: Equatable {
    let service: String
    let id: String
    let name: String
    let image: String
    let state: String
    let run: Int
    let health: String
    let code: Int32?
  }

  init(_ directory: ProjectDirectory) throws {
    self.directory = directory
    inotify = try Inotify()
    try watch(directory.path)
    var remembered: [ContainerEvent] = []
    known = try look { remembered += $0 }
    past = remembered.sorted { $0.time < $1.time }
  }

  private func watch(_ path: String) throws(SystemCallError) {
    let mask = UInt32(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF)
    _ = try inotify.add(path, mask)
  }

  private mutating func look(_ remember: ([ContainerEvent]) -> Void = { _ in }) throws -> [String: Seen] {
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
      let now = Seen(
        service: summary.record.service, id: summary.id, name: summary.name, image: summary.record.image,
        state: summary.stateName, run: run, health: summary.health, code: status.state.exitCode)
      seen[container.name] = now
      remember(Self.past(of: status, now, createdAt: summary.record.createdAt))
    }
    watched.formIntersection([directory.containersPath] + seen.keys.map { directory.container($0).path })
    return seen
  }

  private static func past(of status: ContainerStatus, _ seen: Seen, createdAt: UInt64) -> [ContainerEvent] {
    var events = [event(seen, "create", at: createdAt)]
    switch status.state {
    case .created, .starting: break
    case .running(let run, _):
      events.append(event(seen, "start", at: run.startedAt))
      if let check = status.life?.lastCheck, check.succeeded, seen.health == "healthy" {
        events.append(event(seen, "health_status: healthy", at: check.endedAt))
      }
    case .exited(let run, let exit):
      events.append(event(seen, "start", at: run.startedAt))
      if let exit { events.append(event(seen, "die", [("exitCode", "\(exit.status.code)")], at: exit.finishedAt)) }
    }
    return events
  }

  private static func event(
    _ seen: Seen, _ action: String, _ details: [(String, String)] = [], at time: UInt64
  ) -> ContainerEvent {
    ContainerEvent(
      time: time, service: seen.service, id: seen.id, container: seen.name, image: seen.image, action: action,
      details: details)
  }

  /// Waits for the next events; nil when the stack is gone, and when the time has come.
  /// - Parameter until: nanoseconds since 1970; nil is for ever.
  mutating func next(until: UInt64?) throws -> [ContainerEvent]? {
    while true {
      if !directory.exists { return nil }
      let time = KernelClock.realtime
      if let until, time >= until { return nil }
      _ = try Polling.readable(
        [inotify.descriptor], milliseconds: until.map { Int(clamping: ($0 - time) / 1_000_000 + 1) } ?? -1)
      inotify.drain()
      let now = try look()
      let events = difference(now)
      known = now
      if !events.isEmpty { return events }
    }
  }

  private func difference(_ now: [String: Seen]) -> [ContainerEvent] {
    var events: [ContainerEvent] = []
    func event(_ seen: Seen, _ action: String, _ details: [(String, String)] = []) {
      events.append(Self.event(seen, action, details, at: KernelClock.realtime))
    }
    for (name, old) in known.sorted(by: { $0.key < $1.key }) where now[name] == nil || now[name]?.id != old.id {
      event(old, "destroy")
    }
    for (name, new) in now.sorted(by: { $0.key < $1.key }) {
      let old = known[name].flatMap { $0.id == new.id ? $0 : nil }
      if old == nil { event(new, "create") }
      if new.run > 0, new.run != old?.run ?? 0 { event(new, "start") }
      let hasEnded = new.state == "exited" || new.state == "restarting"
      if hasEnded, old?.run != new.run || old?.state == "running" || old?.state == "paused" {
        event(new, "die", [("exitCode", "\(new.code ?? 0)")])
      }
      if new.state == "paused", old?.state != "paused" { event(new, "pause") }
      if new.state == "running", old?.state == "paused" { event(new, "unpause") }
      if !new.health.isEmpty, new.health != old?.health ?? "", new.health != "starting" {
        event(new, "health_status: \(new.health)")
      }
    }
    return events
  }
}
