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
