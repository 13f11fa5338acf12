/// The order of stopping as it unfolds: a service is stopped as soon as nothing that needs it runs any more, and everything
/// independent at once.
///
/// Events about unknown services, and events that tell nothing new, have no effect.
package struct StopSchedule: Sendable {
  package enum Effect: Sendable, Hashable {
    case stop(String)
    /// Every service ended. Given once, as the last effect.
    case finished
  }

  private enum State: Sendable {
    /// For so many services that need this one.
    case waiting(Int)
    case stopping
    case stopped
  }

  private let graph: DependencyGraph
  private let isSelected: [Bool]
  private var states: [State]
  private var running: Int
  private var isFinished = false

  /// - Parameter selection: the services to stop; what needs them and is not among them is not waited for. nil is all.
  package init(_ graph: DependencyGraph, selection: [String]? = nil) {
    self.graph = graph
    var isSelected = [Bool](repeating: selection == nil, count: graph.services.count)
    for name in selection ?? [] {
      if let position = graph.position(of: name) { isSelected[position] = true }
    }
    self.isSelected = isSelected
    states = graph.neededBy.map { edges in .waiting(edges.count { isSelected[$0.service] }) }
    running = isSelected.count { $0 }
  }

  /// What can be stopped at once. To be called once, before any event.
  package mutating func begin() -> [Effect] {
    var effects: [Effect] = []
    for position in states.indices where isSelected[position] {
      if case .waiting(0) = states[position] { stop(position, &effects) }
    }
    finishIfDone(&effects)
    return effects
  }

  /// `service` ended, because it was told to or by itself; or it cannot be made to, and the others shall not wait for it.
  package mutating func stopped(_ service: String) -> [Effect] {
    var effects: [Effect] = []
    guard let position = graph.position(of: service), isSelected[position] else { return effects }
    switch states[position] {
    case .stopped: return effects
    case .waiting, .stopping: states[position] = .stopped
    }
    running -= 1
    for edge in graph.needs[position] where isSelected[edge.service] {
      guard case .waiting(let count) = states[edge.service] else { continue }
      states[edge.service] = .waiting(count - 1)
      if count == 1 { stop(edge.service, &effects) }
    }
    finishIfDone(&effects)
    return effects
  }

  private mutating func stop(_ position: Int, _ effects: inout [Effect]) {
    states[position] = .stopping
    effects.append(.stop(graph.services[position]))
  }

  private mutating func finishIfDone(_ effects: inout [Effect]) {
    guard running == 0, !isFinished else { return }
    isFinished = true
    effects.append(.finished)
  }
}
