import StackModel

/// Why a service is not started: the services from the one it needs to the one where it went wrong, and what went wrong there.
package struct UnmetDependency: Sendable, Hashable, CustomStringConvertible {
  package let chain: [String]
  package let cause: String

  package init(chain: [String], cause: String) {
    self.chain = chain
    self.cause = cause
  }

  /// `needs api -> db: db exited with code 1`
  package var description: String {
    "needs \(chain.joined(separator: " -> ")): \(chain.last ?? "a service") \(cause)"
  }
}

/// The order of starting as it unfolds: every service starts as soon as its own conditions hold.
///
/// Events in, effects out: no clock, no lock, and no thread. Events about unknown services, and events that tell nothing new, have
/// no effect. The work of all events together is linear in services and dependencies.
package struct StartSchedule: Sendable {
  package enum Event: Sendable, Hashable {
    /// The first process of the container runs.
    case started(String)
    /// Its health check passed, now or once.
    case healthy(String)
    /// It will not become healthy: the check failed too often, or there is none. The service itself goes on.
    case unhealthy(String, reason: String)
    /// It ended and is not started again.
    case completed(String, exitCode: Int32)
    /// It could not be started, whether that was tried yet or not, or ended in a way that has no exit code.
    case failed(String, reason: String)
  }

  package enum Effect: Sendable, Hashable {
    case start(String)
    /// A dependency that it requires cannot be met any more: it will not be started.
    case skip(String, because: UnmetDependency)
    /// A dependency that it does not require cannot be met any more: it is started without.
    case passOver(String, because: UnmetDependency)
    /// Every service was started or skipped, or failed. Given once, as the last effect.
    case finished
  }

  /// What a service has become; each holds all that was true before it.
  fileprivate enum State: Sendable {
    /// For so many dependencies that have not met their condition.
    case waiting(Int)
    case starting
    case running(Health)
    case completed(Int32, Health)
    case failed(UnmetDependency)

    enum Health: Sendable {
      case unknown
      case healthy
      case unhealthy(String)
    }
  }

  /// How a dependency stands.
  fileprivate enum Condition {
    case open
    case met
    case unmet(UnmetDependency)
  }

  private let graph: DependencyGraph
  private let isSelected: [Bool]
  private var states: [State]
  /// Services that are waiting or starting.
  private var unsettled: Int
  private var isFinished = false

  /// - Parameter selection: the services to start; dependencies on others are taken as met. nil is all.
  package init(_ graph: DependencyGraph, selection: [String]? = nil) {
    self.graph = graph
    var isSelected = [Bool](repeating: selection == nil, count: graph.services.count)
    for name in selection ?? [] {
      if let position = graph.position(of: name) { isSelected[position] = true }
    }
    self.isSelected = isSelected
    states = graph.needs.map { edges in .waiting(edges.count { isSelected[$0.service] }) }
    unsettled = isSelected.count { $0 }
  }

  /// What can start at once. To be called once, before any event.
  package mutating func begin() -> [Effect] {
    var effects: [Effect] = []
    for position in states.indices where isSelected[position] {
      if case .waiting(0) = states[position] { start(position, &effects) }
    }
    finishIfSettled(&effects)
    return effects
  }

  package mutating func handle(_ event: Event) -> [Effect] {
    var effects: [Effect] = []
    switch event {
    case .started(let name): change(name, &effects) { $0.afterStart() }
    case .healthy(let name): change(name, &effects) { $0.afterHealth(.healthy) }
    case .unhealthy(let name, let reason): change(name, &effects) { $0.afterHealth(.unhealthy(reason)) }
    case .completed(let name, let code): change(name, &effects) { $0.afterCompletion(code) }
    case .failed(let name, let reason):
      change(name, &effects) { $0.afterFailure(UnmetDependency(chain: [name], cause: reason)) }
    }
    finishIfSettled(&effects)
    return effects
  }

  private mutating func start(_ position: Int, _ effects: inout [Effect]) {
    states[position] = .starting
    effects.append(.start(graph.services[position]))
  }

  private mutating func change(_ name: String, _ effects: inout [Effect], _ next: (State) -> State?) {
    guard let position = graph.position(of: name), isSelected[position], let state = next(states[position])
    else { return }
    var changes = [Change(position: position, old: states[position], new: state)]
    states[position] = state
    // Without recursion: what a change skips is a change in turn.
    var handled = 0
    while handled < changes.count {
      settle(changes[handled], &changes, &effects)
      handled += 1
    }
  }

  /// A state that was changed, and what depends on it not yet told.
  private struct Change {
    let position: Int
    let old: State
    let new: State
  }

  private mutating func settle(_ change: Change, _ changes: inout [Change], _ effects: inout [Effect]) {
    if change.old.isUnsettled && !change.new.isUnsettled { unsettled -= 1 }
    for edge in graph.neededBy[change.position] where isSelected[edge.service] {
      guard case .waiting(let count) = states[edge.service],
        case .open = condition(edge, of: change.position, in: change.old)
      else { continue }
      switch condition(edge, of: change.position, in: change.new) {
      case .open:
        break
      case .unmet(let reason) where edge.isRequired:
        let name = graph.services[edge.service]
        effects.append(.skip(name, because: reason))
        let skipped = State.failed(UnmetDependency(chain: [name] + reason.chain, cause: reason.cause))
        changes.append(Change(position: edge.service, old: states[edge.service], new: skipped))
        states[edge.service] = skipped
      case .met, .unmet:
        if case .unmet(let reason) = condition(edge, of: change.position, in: change.new) {
          effects.append(.passOver(graph.services[edge.service], because: reason))
        }
        states[edge.service] = .waiting(count - 1)
        if count == 1 { start(edge.service, &effects) }
      }
    }
  }

  private func condition(_ edge: DependencyGraph.Edge, of position: Int, in state: State) -> Condition {
    switch edge.condition {
    case .started: state.isStarted
    case .healthy: state.isHealthy(graph.services[position])
    case .completedSuccessfully: state.isCompletedSuccessfully(graph.services[position])
    }
  }

  private mutating func finishIfSettled(_ effects: inout [Effect]) {
    guard unsettled == 0, !isFinished else { return }
    isFinished = true
    effects.append(.finished)
  }
}

extension StartSchedule.State {
  fileprivate var isUnsettled: Bool {
    switch self {
    case .waiting, .starting: true
    case .running, .completed, .failed: false
    }
  }

  fileprivate func afterStart() -> Self? {
    switch self {
    case .starting: .running(.unknown)
    case .waiting, .running, .completed, .failed: nil
    }
  }

  /// A service may be told to be healthy without having been told to be started: it is both.
  fileprivate func afterHealth(_ health: Health) -> Self? {
    switch self {
    case .starting, .running(.unknown), .running(.unhealthy): .running(health)
    case .waiting, .running(.healthy), .completed, .failed: nil
    }
  }

  fileprivate func afterCompletion(_ code: Int32) -> Self? {
    switch self {
    case .starting: .completed(code, .unknown)
    case .running(let health): .completed(code, health)
    case .waiting, .completed, .failed: nil
    }
  }

  fileprivate func afterFailure(_ reason: UnmetDependency) -> Self? {
    switch self {
    case .waiting, .starting, .running: .failed(reason)
    case .completed, .failed: nil
    }
  }
}

extension StartSchedule.State {
  fileprivate var isStarted: StartSchedule.Condition {
    switch self {
    case .waiting, .starting: .open
    case .running, .completed: .met
    case .failed(let reason): .unmet(reason)
    }
  }

  fileprivate func isHealthy(_ name: String) -> StartSchedule.Condition {
    switch self {
    case .waiting, .starting, .running(.unknown): .open
    case .running(.healthy), .completed(_, .healthy): .met
    case .running(.unhealthy(let reason)), .completed(_, .unhealthy(let reason)):
      .unmet(UnmetDependency(chain: [name], cause: reason))
    case .completed(let code, .unknown):
      .unmet(UnmetDependency(chain: [name], cause: "exited with code \(code) before it was healthy"))
    case .failed(let reason): .unmet(reason)
    }
  }

  fileprivate func isCompletedSuccessfully(_ name: String) -> StartSchedule.Condition {
    switch self {
    case .waiting, .starting, .running: .open
    case .completed(0, _): .met
    case .completed(let code, _): .unmet(UnmetDependency(chain: [name], cause: "exited with code \(code)"))
    case .failed(let reason): .unmet(reason)
    }
  }
}
