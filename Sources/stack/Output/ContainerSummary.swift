import InternetAddress
import JSONDocument
import LinuxSystem
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
    case .running(let run, _): "Up \(Self.ago(now, run.startedAt))\(isPaused ? " (Paused)" : healthText)"
    case .exited(_, let exit?) where isRestarting:
      "Restarting (\(exit.status.code)) \(Self.ago(now, exit.finishedAt)) ago"
    case .exited(_, let exit):
      exit.map {
        "Exited (\($0.status.code)) \(Self.ago(now, $0.finishedAt)) ago" + ($0.wasOutOfMemory ? ", out of memory" : "")
      }
        ?? "Exited (137): its shim was killed"
    }
  }

  /// A duration in the one unit that fits.
  static func ago(_ now: UInt64, _ then: UInt64) -> String {
    let seconds = now > then ? (now - then) / 1_000_000_000 : 0
    let (count, unit): (UInt64, String) =
      switch seconds {
      case ..<120: (seconds, "second")
      case ..<7200: (seconds / 60, "minute")
      case ..<172_800: (seconds / 3600, "hour")
      default: (seconds / 86400, "day")
      }
    return "\(count) \(unit)\(count == 1 ? "" : "s")"
  }

  private var ports: String {
    Self.isRunning(state) ? record.ports.map(\.text).joined(separator: ", ") : ""
  }

  private var command: String { record.command.joined(separator: " ") }

  func tableRow(cutsOff: Bool) -> [String] {
    let short = cutsOff && command.count > 20 ? command.prefix(19) + "…" : command[...]
    return [
      name, record.image.isEmpty ? "-" : record.image, "\"\(short)\"", record.service,
      "\(Self.ago(now, record.createdAt)) ago", statusText, ports,
    ]
  }

  /// With the directories of the machine that the container has.
  func json(mounts: [String]) -> JSON {
    let volumes = mounts.filter { $0.hasSuffix("/data") }.count
    return .members(
      members + [
        ("Mounts", .string(mounts.joined(separator: ","))), ("LocalVolumes", .string("\(volumes)")),
        ("Size", .string("0B")),
      ])
  }

  var members: [(String, JSON)] {
    let publishers = Self.isRunning(state) ? record.ports : []
    return [
      ("ID", .string(id)), ("Name", .string(name)), ("Names", .string(name)), ("Image", .string(record.image)),
      ("Command", .string(command)), ("Project", .string(record.project)), ("Service", .string(record.service)),
      ("CreatedAt", .string(LogTime.text(record.createdAt))),
      ("RunningFor", .string("\(Self.ago(now, record.createdAt)) ago")), ("State", .string(stateName)),
      ("Status", .string(statusText)), ("Health", .string(health)), ("ExitCode", .integer(Int64(state.exitCode ?? 0))),
      (
        "Labels",
        .string(record.allLabels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ","))
      ),
      ("Networks", .string(record.attachments.map(\.network).joined(separator: ","))), ("Ports", .string(ports)),
      (
        "Publishers",
        .array(
          publishers.map { port in
            .members([
              ("URL", .string(port.hostAddress.map(\.description) ?? "0.0.0.0")),
              ("TargetPort", .integer(Int64(port.containerPort))), ("PublishedPort", .integer(Int64(port.hostPort))),
              ("Protocol", .string(port.transport.rawValue)),
            ])
          })
      ),
      ("OneOff", .bool(record.isOneOff)),
    ]
  }
}
