import LinuxNetlink
import StackModel
import StackPlan
import StackStore

/// What one `up` has made so far.
struct MadeByUp {
  /// The containers that it made or started, in order.
  var containers: [ContainerDirectory] = []
  /// The volumes, by name.
  var volumes: [String] = []
  /// The networks that there were before it touched them; nil when it has not.
  var networksBefore: [NetworkRecord]?
}

extension UpOperation {
  /// Takes back what this operation made, newest first, and returns what is to be reported. It goes on when a part fails.
  ///
  /// - Parameter removeAll: there was nothing of the stack before.
  func takenBack(after error: EngineError, removeAll: Bool) -> EngineError {
    var problems = Problems()
    if removeAll {
      var options = DownOptions()
      options.takesBack = true
      problems.collect { try engine.removeAll(plan.stack.name, options) }
    } else {
      problems.collect {
        let statuses = try made.containers.reversed().map { try ContainerStatus($0) }
        try StopOperation(engine: engine, timeout: 0, takesBack: true).stop(statuses)
      }
      for container in made.containers.reversed() { problems.collect(container.name) { try container.remove() } }
      problems.collect("networks") { try takeBackNetworks() }
    }
    let volumes = VolumeStore(directory: engine.paths.volumes)
    for volume in made.volumes.reversed() {
      problems.collect(volume) { try volumes.remove(volume, of: plan.stack.name) }
    }
    return EngineError(error.kind, error.problems + problems.all)
  }

  /// Networks that are new go; those that stay keep the ports of the containers that stay.
  private func takeBackNetworks() throws {
    guard let before = made.networksBefore else { return }
    let kept = plan.networks.filter { network in before.contains { $0.bridge == network.bridge } }
    let route = try RouteSocket()
    for network in plan.networks where !kept.contains(network) { try route.deleteLink(named: network.bridge) }
    try directory.write(kept)
    let gone = Set(made.containers.map(\.name))
    try applyFirewall(networks: kept) { service in
      gone.contains(containerName(of: service.name)) ? [] : plan.publishedPorts[service.name] ?? []
    }
  }
}
