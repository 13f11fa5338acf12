import StackEngine
import StackModel

/// What is known of containers that are being started: when each got how far, and what the others wait for.
struct StartProgress {
  struct Times {
    var starting: UInt64?
    var started: UInt64?
    /// Healthy, or completed.
    var ready: UInt64?
    var completed: UInt64?
    var healthy: UInt64?
  }

  private(set) var planned: [PlannedContainer] = []
  private var positions: [String: Int] = [:]
  private var times: [String: Times] = [:]

  mutating func plan(_ containers: [PlannedContainer]) {
    planned = containers
    positions = Dictionary(
      containers.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  mutating func take(_ event: ProgressEvent) {
    guard event.kind == .container else { return }
    switch event.phase {
    case .starting: times[event.name, default: Times()].starting = event.time
    case .started, .running: times[event.name, default: Times()].started = event.time
    case .healthy:
      times[event.name, default: Times()].healthy = event.time
      times[event.name]?.ready = event.time
    case .completed:
      times[event.name, default: Times()].completed = event.time
      times[event.name]?.ready = event.time
    default: break
    }
  }

  subscript(_ container: String) -> Times { times[container] ?? Times() }

  func container(_ name: String) -> PlannedContainer? { positions[name].map { planned[$0] } }

  /// When what a container needs was there; nil when it is not yet.
  func met(_ need: PlannedContainer.Need) -> UInt64? {
    let times = self[need.container]
    switch need.condition {
    case .started: return times.started
    case .healthy: return times.healthy
    case .completedSuccessfully: return times.completed
    }
  }

  /// What a container still waits for.
  func openNeeds(of container: PlannedContainer) -> [PlannedContainer.Need] {
    container.needs.filter { met($0) == nil }
  }

  /// When a container was all that is waited for.
  func end(of container: PlannedContainer) -> UInt64? {
    let times = self[container.name]
    return times.ready ?? times.started
  }
}

extension PlannedContainer.Need {
  var words: String {
    switch condition {
    case .started: service
    case .healthy: "\(service) to be healthy"
    case .completedSuccessfully: "\(service) to complete"
    }
  }
}
