import InternetAddress
import JSONDocument
import LinuxSystem
import StackEngine
import StackLifecycle
import StackLogs
import StackModel
import StackPlan
import StackStore

/// A container in the words of `ps`: the same keys and states as docker compose has.
struct ContainerSummary {
  let status: ContainerStatus
  let name: String
  let record: ContainerRecord
  let state: ContainerState
  let life: LifeRecord?
  let isRestarting: Bool
  let isPaused: Bool
  let now = KernelClock.realtime

  /// nil without a record: then nothing is known of the container.
  init?(_ status: ContainerStatus) {
    guard let record = status.record else { return nil }
    self.status = status
    name = status.name
    self.record = record
    state = status.state
    life = status.life
    isRestarting = status.isRestarting
    isPaused = Self.isRunning(status.state) && status.directory.isPaused
  }

  static func isRunning(_ status: ContainerStatus) -> Bool {
    isRunning(status.state) || status.isRestarting
  }

  private static func isRunning(_ state: ContainerState) -> Bool {
    switch state {
    case .running, .starting: true
    case .created, .exited: false
    }
  }

  /// 64 hexadecimal digits that a container has from its creation to its removal.
  var id: String {
    (0..<4).map { StableHash.hexadecimal(StableHash.of(name, LogTime.text(record.createdAt), "\($0)")) }.joined()
  }

  var stateName: String {
    switch state {
    case .created: "created"
    case .starting, .running: isPaused ? "paused" : "running"
    case .exited: isRestarting ? "restarting" : "exited"
    }
  }

  var health: String {
    guard case .running = state, record.life.healthCheck != nil else { return "" }
    return switch life?.health {
    case .healthy: "healthy"
    case .unhealthy: "unhealthy"
    case .starting, nil: "starting"
    }
  }

  private var healthText: String {
    switch health {
    case "": ""
    case "starting": " (health: starting)"
    case let word: " (\(word))"
    }
  }

  private var statusText: String {
    switch state {
    case .created: "Created"
    case .starting: "Starting"
    case .running(let run, _): "Up \(Self.since(run.startedAt, now))\(isPaused ? " (Paused)" : healthText)"
    case .exited(_, let exit?) where isRestarting:
      "Restarting (\(exit.status.code)) \(Self.ago(now, exit.finishedAt))"
    case .exited(_, let exit):
      exit.map {
        "Exited (\($0.status.code)) \(Self.ago(now, $0.finishedAt))" + ($0.wasOutOfMemory ? ", out of memory" : "")
      }
        ?? "Exited (137): its shim was killed"
    }
  }

  private static func since(_ then: UInt64, _ now: UInt64) -> String {
    Quantities.duration(nanoseconds: now > then ? now - then : 0)
  }

  /// `3 minutes ago`
  static func ago(_ now: UInt64, _ then: UInt64) -> String { "\(since(then, now)) ago" }

  private var ports: DisplayedPorts? { Self.isRunning(state) ? DisplayedPorts(record) : nil }

  private var command: String {
    record.command.map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " ")
  }

  /// In quotation marks, as docker shows it.
  private func quotedCommand(cutsOff: Bool) -> String {
    let text = cutsOff ? Self.cut(command, 20) : command
    return "\"" + text.flatMap { "\"\\".contains($0) ? "\\\($0)" : $0 == "\n" ? "\\n" : "\($0)" } + "\""
  }

  private static func cut(_ text: String, _ length: Int) -> String {
    text.count > length ? text.prefix(length - 1) + "…" : text
  }

  func tableRow(cutsOff: Bool) -> [String] {
    [
      name, record.image.isEmpty ? "-" : record.image, quotedCommand(cutsOff: cutsOff), record.service,
      Self.ago(now, record.createdAt), statusText, ports?.text ?? "",
    ]
  }

  /// What `ps --format json` says: docker's keys, in its order.
  /// - Parameters:
  ///   - networks: the networks' names by their keys.
  ///   - mounts: what the container has of the machine's files.
  func json(networks: [String: String], mounts: [HostMount], cutsOff: Bool) -> JSON {
    let names = record.attachments.map { networks[$0.network] ?? $0.network }
    let places = mounts.map { cutsOff ? Self.cut($0.name, 15) : $0.name }
    return .members([
      ("Command", .string(quotedCommand(cutsOff: cutsOff))), ("CreatedAt", .string(createdText)),
      ("ExitCode", .integer(Int64(state.exitCode ?? 0))), ("Health", .string(health)),
      ("ID", .string(cutsOff ? String(id.prefix(12)) : id)), ("Image", .string(record.image)),
      ("Labels", .string(labels)), ("LocalVolumes", .string("\(mounts.count { $0.volume != nil })")),
      ("Mounts", .string(places.joined(separator: ","))), ("Name", .string(name)), ("Names", .string(name)),
      ("Networks", .string(names.joined(separator: ","))), ("OneOff", .bool(record.isOneOff)),
      ("Ports", .string(ports?.text ?? "")), ("Project", .string(record.project)),
      ("Publishers", ports?.publishers ?? .array([])), ("RunningFor", .string(Self.ago(now, record.createdAt))),
      ("Service", .string(record.service)), ("Size", .string("0B")), ("State", .string(stateName)),
      ("Status", .string(statusText)),
    ])
  }

  /// `2026-01-31 12:00:00 +0000 UTC`
  private var createdText: String {
    LogTime.text(record.createdAt).prefix(19).split(separator: "T").joined(separator: " ") + " +0000 UTC"
  }

  private var labels: String {
    record.allLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  var members: [(String, JSON)] {
    [
      ("ID", .string(id)), ("Name", .string(name)), ("Names", .string(name)), ("Image", .string(record.image)),
      ("Command", .string(command)), ("Project", .string(record.project)), ("Service", .string(record.service)),
      ("CreatedAt", .string(LogTime.text(record.createdAt))),
      ("RunningFor", .string(Self.ago(now, record.createdAt))), ("State", .string(stateName)),
      ("Status", .string(statusText)), ("Health", .string(health)), ("ExitCode", .integer(Int64(state.exitCode ?? 0))),
      ("Labels", .string(labels)),
      ("Networks", .string(record.attachments.map(\.network).joined(separator: ","))),
      ("Ports", .string(ports?.text ?? "")), ("Publishers", ports?.publishers ?? .array([])),
      ("OneOff", .bool(record.isOneOff)),
    ]
  }
}
