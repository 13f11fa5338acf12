import LinuxSystem
import StackLifecycle
import StackModel
import StackPlan
import StackStore
import SystemPackage

extension Engine {
  /// Starts containers that there are and that do not run, of the services named and of all that these need; all if none is
  /// named.
  package func start(
    _ project: String, services: [String], waiting: (isWanted: Bool, timeout: Int?) = (false, nil)
  ) throws(EngineError) {
    try requireRoot()
    try locked(project) { lock throws(EngineError) in
      try startLocked(project, services: services, lock: lock)
    }
    if waiting.isWanted { try waitUntilReady(project, services: services, timeout: waiting.timeout) }
  }

  func startLocked(_ project: String, services: [String], lock: FileLock) throws(EngineError) {
    let containers = try startable(project, services: services)
    try StartExisting(engine: self, project: project, containers: containers).run(lock)
  }

  /// The containers of services and of all that these need, also those that run.
  func startable(_ project: String, services: [String]) throws(EngineError) -> [ContainerStatus] {
    let all = try containers(of: project, services: []).filter { $0.record?.isMadeByRun == false }
    // Says so when there is none.
    _ = try containers(of: project, services: services)
    let needed = Self.closure(of: services, in: all)
    return Self.withoutDoneSteps(all.filter { needed.contains($0) })
  }

  /// Steps before a start have been done when they succeeded, or a container that they are for runs.
  private static func withoutDoneSteps(_ containers: [ContainerStatus]) -> [ContainerStatus] {
    let running = Set(
      containers.filter { $0.record?.isOneOff == false && $0.state.shim != nil }.map { $0.record?.service })
    return containers.filter { status in
      status.record?.initPlace == nil || !status.isCompleted && !running.contains(status.record?.service)
    }
  }

  /// The containers of services, and of those that they need.
  private static func closure(of services: [String], in all: [ContainerStatus]) -> Set<ContainerStatus> {
    if services.isEmpty { return Set(all) }
    var pending = services
    var names: Set<String> = []
    while let name = pending.popLast() {
      guard names.insert(name).inserted else { continue }
      for container in all where container.record?.service == name {
        pending += container.record.map { $0.dependencies + $0.namespaceOwners } ?? []
      }
    }
    return Set(all.filter { names.contains($0.record?.service ?? "") })
  }

  /// Stops services and starts them again, and those that want to be restarted with them.
  package func restart(
    _ project: String, services: [String], withoutDependents: Bool, timeout: Int?
  ) throws(EngineError) {
    try requireRoot()
    try locked(project) { lock throws(EngineError) in
      let chosen = try restartable(project, services: services, withoutDependents: withoutDependents)
      try StopOperation(engine: self, timeout: timeout, leavesStopped: true).stop(chosen)
      try StartExisting(
        engine: self, project: project,
        containers: try engineStep { try chosen.map { try ContainerStatus($0.directory) } }
      ).run(lock)
    }
  }

  /// The containers of services, and of those that want to be restarted with them.
  func restartable(
    _ project: String, services: [String], withoutDependents: Bool
  ) throws(EngineError) -> [ContainerStatus] {
    let all = try containers(of: project, services: []).filter { $0.record?.isOneOff == false }
    _ = try containers(of: project, services: services)
    var names = Set(services.isEmpty ? all.compactMap { $0.record?.service } : services)
    if !withoutDependents {
      for container in all where !names.isDisjoint(with: container.record?.life.restartsWith ?? []) {
        if let name = container.record?.service { names.insert(name) }
      }
    }
    return all.filter { names.contains($0.record?.service ?? "") }
  }
}

/// Starts containers that were made before, each as soon as what it needs has been started.
struct StartExisting {
  let engine: Engine
  let project: String
  let containers: [ContainerStatus]

  func run(_ lock: FileLock) throws(EngineError) {
    let directory = engine.paths.project(project)
    let idle = Dictionary(
      containers.filter { $0.state.shim == nil }.map { ($0.directory.name, $0) },
      uniquingKeysWith: { first, _ in first })
    if idle.isEmpty { return }
    let spawner = try engineStep { try ShimSpawner(lock.descriptor, for: directory) }
    try engineStep("supervisor") { try SupervisorSpawner(paths: engine.paths, project: project).ensure() }
    let graph = try StopOperation.graph(of: containers.sorted { $0.directory.name < $1.directory.name })
    var schedule = StartSchedule(graph)
    var runner = try StartRunner(
      interruption: nil, jobs: Set(idle.values.filter { $0.record?.initPlace != nil }.map(\.directory.name)),
      silence: { spawner.reasonOfSilence(about: directory.container($0)) })
    var problems: [EngineError.Problem] = []
    try runner.carryOut(&schedule) { (effect, runner) throws(EngineError) in
      switch effect {
      case .start(let name):
        guard let status = idle[name], let record = status.record, try keep(status, record) else {
          return runner.alreadyRunning(name, shim: nil)
        }
        do {
          engine.report(.container, name, .starting)
          let reservations = try ContainerStarter(directory: directory).prepare(status.directory, record)
          runner.add(name, try spawner.spawn(for: status.directory, holding: reservations))
        } catch {
          runner.cannotStart(name, "\(error)")
        }
      case .skip(let name, let reason): problems.append(EngineError.Problem(name, reason.description))
      case .passOver, .finished: break
      }
    } _: { (event, schedule) throws(EngineError) in
      try handle(event, &schedule, &problems, idle[event.service])
    }
    if !problems.isEmpty { throw EngineError(.failure, problems) }
  }

  /// Keeps the supervisor from a container that is about to be started; false when the supervisor was first.
  private func keep(_ status: ContainerStatus, _ record: ContainerRecord) throws(EngineError) -> Bool {
    guard RestartMachine.isActive(record.restart) else { return true }
    return try engineStep(status.directory.name) {
      try status.directory.halt()
      if try ContainerStatus(status.directory).state.shim == nil { return true }
      try status.directory.resume()
      return false
    }
  }

  private func handle(
    _ event: StartRunner.Event, _ schedule: inout StartSchedule, _ problems: inout [EngineError.Problem],
    _ status: ContainerStatus?
  ) throws(EngineError) -> [StartSchedule.Effect] {
    switch event.outcome {
    case .started:
      engine.report(.container, event.service, .started)
      if let status { try started(status, &problems) }
      return schedule.handle(.started(event.service))
    case .alreadyRunning: return schedule.handle(.started(event.service))
    case .failed(let step, let reason):
      engine.report(.container, event.service, .failed, detail: "\(step): \(reason)")
      problems.append(EngineError.Problem(event.service, "cannot start: \(step): \(reason)"))
      return schedule.handle(.failed(event.service, reason: "could not be started"))
    case .ended:
      // Best effort: without a record the container was killed with its shim.
      let exit = (try? engine.paths.project(project).container(event.service).read(.exit))?.status.code ?? 137
      return schedule.handle(.completed(event.service, exitCode: exit))
    case .healthy, .unhealthy: return []
    }
  }

  /// Only now may the supervisor look after it; and what the service wants to be run after its start is run.
  private func started(_ status: ContainerStatus, _ problems: inout [EngineError.Problem]) throws(EngineError) {
    try engineStep(status.directory.name) { try status.directory.resume() }
    guard let hooks = status.record?.life.postStart, !hooks.isEmpty else { return }
    guard let run = try engineStep(status.directory.name, { try status.directory.read(.state) }) else { return }
    do {
      try Hooks(container: status.directory, run: run, service: status.record?.service ?? "").run(hooks)
    } catch {
      problems.append(EngineError.Problem(status.directory.name, "\(error)"))
    }
  }
}
