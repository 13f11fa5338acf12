import StackModel
import StackPlan
import StackStore

extension Engine {
  /// What `up` would do, as it would report it; nothing is touched.
  package func preview(_ stack: Stack, _ options: UpOptions) throws(EngineError) -> [ProgressEvent] {
    try requireRoot()
    let plan = try UpPlanner(engine: self, stack: stack, options: options).plan()
    var events = plan.networks.filter { !$0.isExternal && !plan.networksBefore.contains($0) }.map {
      ProgressEvent(.network, $0.name, .created)
    }
    let removed =
      plan.surplus + (options.removesOrphans ? plan.orphans : [])
      + plan.services.filter(\.isReplaced)
      .compactMap(\.existing)
    events += removed.map { ProgressEvent(.container, $0.name, .removed) }
    for service in plan.services {
      switch service.action {
      case .keep: events.append(ProgressEvent(.container, service.name, .running))
      case .create, .recreate: events.append(ProgressEvent(.container, service.name, .created))
      case .reconnect: events.append(ProgressEvent(.container, service.name, .stopped))
      case .start: break
      }
      if service.action != .keep, !options.onlyCreates {
        events.append(ProgressEvent(.container, service.name, .started))
      }
    }
    return events
  }
}

/// What a command would do to containers that there are.
package enum ContainerChange: Hashable, Sendable {
  case start, stop, kill, pause, unpause
  case restart(withoutDependents: Bool)
  case remove(Engine.RemoveOptions)
  case removeOrphans(known: [String])
  case down(DownOptions)
}

extension Engine {
  /// What a change would report, container after container; nothing is touched.
  package func preview(
    _ change: ContainerChange, of project: String, services: [String]
  ) throws(EngineError) -> [ProgressEvent] {
    try requireRoot()
    func events(_ containers: [ContainerStatus], _ phase: ProgressEvent.Phase) -> [ProgressEvent] {
      containers.map { ProgressEvent(.container, $0.name, phase) }
    }
    func running(_ containers: [ContainerStatus]) -> [ContainerStatus] { containers.filter { $0.state.shim != nil } }
    switch change {
    case .start: return events(try startable(project, services: services).filter { $0.state.shim == nil }, .started)
    case .stop:
      let chosen = try containers(of: project, services: services).filter { $0.record?.isMadeByRun != true }
      return events(running(chosen), .stopped)
    case .kill: return events(running(try containers(of: project, services: services)), .killed)
    case .pause: return events(try pausable(project, services: services), .paused)
    case .unpause: return events(running(try unpausable(project, services: services)), .unpaused)
    case .restart(let withoutDependents):
      let chosen = try restartable(project, services: services, withoutDependents: withoutDependents)
      return events(running(chosen), .stopped) + events(chosen, .started)
    case .remove(let options):
      let chosen = try removable(project, services: services, options)
      return events(running(chosen), .stopped) + events(chosen, .removed)
    case .removeOrphans(let known):
      let orphans = try orphans(of: project, known: known)
      return orphans.isEmpty ? [] : try preview(.remove(.ofOrphans), of: project, services: orphans)
    case .down(let options):
      let all = try containers(of: project, services: [])
      let volumes = try engineStep { try VolumeStore(directory: paths.volumes).volumes(of: project) }
      return events(running(all), .stopped) + events(all, .removed)
        + volumes.filter { $0.isAnonymous || options.removesVolumes }
        .map { ProgressEvent(.volume, $0.name, .removed) }
        + (paths.project(project).exists ? [ProgressEvent(.network, project, .removed)] : [])
    }
  }
}
