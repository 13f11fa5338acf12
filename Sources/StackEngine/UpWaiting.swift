import InternetAddress
import LinuxSystem
import StackLifecycle
import StackModel
import StackPlan
import StackStore
import SystemPackage

/// What an `up` has to do with the supervisor: having one, and waiting for what it finds out.
extension UpOperation {
  /// Starts a supervisor if there is something for it to do.
  func supervise() throws(EngineError) {
    let isNeeded =
      !plan.networks.isEmpty || options.owner != nil
      || plan.services.contains { $0.healthCheck != nil || RestartMachine.isActive($0.service.restart) }
    guard isNeeded else { return }
    let spawner = SupervisorSpawner(paths: engine.paths, project: plan.stack.name)
    // One that is there answers already.
    if try engineStep("supervisor", { try spawner.current() }) == nil { warnOfNameServers() }
    try engineStep("supervisor") {
      try Files.makeDirectories(directory.path)
      if let owner = options.owner { try directory.write(owner: owner) }
      try spawner.ensure()
    }
  }

  /// Names the networks on which the supervisor will not be able to answer for names.
  private func warnOfNameServers() {
    for network in plan.networks {
      for isStream in [false, true] {
        do throws(SystemCallError) {
          _ = try Socket.serve(address: network.gateway.value, port: 53, isStream: isStream)
        } catch {
          let holder = PortHolder.find(port: 53, isStream: isStream).map { " by \($0.command) (pid \($0.pid))" } ?? ""
          let reason = error.errno == .addressInUse ? "is in use\(holder)" : "cannot be used: \(error.errno)"
          engine.report(
            .network, network.name, .hindered,
            detail:
              "port 53/\(isStream ? "tcp" : "udp") of its gateway \(network.gateway) \(reason): services find each "
              + "other by their hosts files only, and names do not follow what starts and stops")
          break
        }
      }
    }
  }

  func waitUntilReady(_ runner: inout StartRunner, _ readiness: inout Readiness) throws(EngineError) {
    let deadline = Readiness.deadline(after: options.waitTimeout)
    while !readiness.isDecided {
      for event in try runner.wait(until: deadline) {
        readiness.take(event)
        report(event)
      }
      if KernelClock.monotonic >= deadline { break }
    }
    let problems = readiness.problems(after: options.waitTimeout)
    if !problems.isEmpty { throw EngineError(.failure, problems) }
  }

  func dependedOn(_ condition: Dependency.Condition) -> Set<String> {
    Set(
      plan.services.flatMap { service in
        service.service.dependencies.filter { $0.condition == condition }.map(\.service)
      })
  }

  /// The services whose end somebody waits for, and that nobody starts again.
  var jobs: Set<String> {
    dependedOn(.completedSuccessfully).union(options.waits ? plan.services.map(\.service.name) : []).subtracting(
      watched)
  }

  /// The services that somebody waits for, and whose supervisor tells how they fare.
  var watched: Set<String> {
    let awaited = dependedOn(.completedSuccessfully).union(dependedOn(.healthy))
    return Set(
      plan.services.filter { service in
        (options.waits || awaited.contains(service.service.name))
          && (service.healthCheck != nil || RestartMachine.isActive(service.service.restart))
      }.map(\.service.name))
  }

  /// Keeps the supervisor from a container that is about to be started; true when the supervisor was first.
  func hasBeenRestarted(_ service: PreparedService) throws(EngineError) -> Bool {
    guard let record = service.existing?.record, RestartMachine.isActive(record.restart) else { return false }
    return try engineStep(service.service.name) {
      try service.container.halt()
      guard try ContainerStatus(service.container, damageIsLoss: true).state.shim != nil else { return false }
      try service.container.resume()
      return true
    }
  }

  /// Runs what the service wants to be run after its start.
  func runHooks(of name: String) throws(EngineError) -> EngineError.Problem? {
    guard let service = plan.prepared(name)?.service, let hooks = service.postStart
    else { return nil }
    let container = directory.container(containerName(of: name))
    guard let run = try engineStep(name, { try container.read(.state) }) else { return nil }
    do {
      try Hooks(container: container, run: run, service: service.serviceName).run(hooks)
      return nil
    } catch {
      return EngineError.Problem(name, "\(error)")
    }
  }

  func report(_ event: StartRunner.Event) {
    let name = plan.prepared(event.service)?.name ?? event.service
    switch event.outcome {
    case .healthy: engine.report(.container, name, .healthy)
    case .unhealthy(let reason): engine.report(.container, name, .failed, detail: reason)
    case .ended:
      // Best effort: without a record the container was killed with its shim.
      reportEnd(name, (try? directory.container(containerName(of: event.service)).read(.exit))?.status.code ?? 137)
    case .started, .alreadyRunning, .failed: break
    }
  }

  func reportEnd(_ name: String, _ code: Int32) {
    if code == 0 { return engine.report(.container, name, .completed) }
    engine.report(.container, name, .failed, detail: "exited with code \(code)")
  }

  /// For each service those that need it.
  var dependents: [String: [String]] {
    var dependents: [String: [String]] = [:]
    for service in plan.services.map(\.service) {
      for need in serviceNames(service.dependencies.map(\.service))
      where !dependents[need, default: []].contains(service.serviceName) {
        dependents[need, default: []].append(service.serviceName)
      }
    }
    return dependents
  }

  var plannedContainers: [PlannedContainer] {
    let names = Dictionary(plan.services.map { ($0.service.name, $0.name) }, uniquingKeysWith: { first, _ in first })
    let watched = watched
    return plan.services.map { service in
      PlannedContainer(
        name: service.name, awaitsHealth: service.healthCheck != nil && watched.contains(service.service.name),
        needs: service.service.dependencies.compactMap { need in
          names[need.service].map {
            PlannedContainer.Need(container: $0, service: need.service, condition: need.condition)
          }
        })
    }
  }

  /// Who waits for the health of a service that has no health check would wait for ever.
  func withoutHealth(
    _ name: String, _ schedule: inout StartSchedule
  ) throws(EngineError) -> [StartSchedule.Effect] {
    guard plan.prepared(name)?.healthCheck == nil else { return [] }
    return schedule.handle(.unhealthy(name, reason: "has no health check: write healthcheck: or ready:"))
  }
}
