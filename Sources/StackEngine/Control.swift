import Glibc
import LinuxCgroup
import LinuxSystem
import StackLifecycle
import StackStore

/// What is done to containers as they are, without the stack file.
extension Engine {
  /// Sends a signal to the first process of running containers.
  package func kill(_ project: String, services: [String], signal: Int32) throws(EngineError) {
    try requireRoot()
    try locked(project) { _ throws(EngineError) in
      for status in try containers(of: project, services: services) {
        guard case .running(let run, let shim) = status.state else { continue }
        try engineStep(status.directory.name) {
          // Who is ended by hand is not started again.
          let ends = signal == SIGKILL || signal == status.record?.stopSignal
          if ends { try status.directory.halt() }
          if signal == SIGKILL { try thaw(status) }
          try run.process.open()?.signal(signal)
          if signal == SIGKILL { _ = try shim.open()?.waitForEnd(milliseconds: 10_000) }
        }
        report(.container, status.directory.name, .killed, detail: SignalName.name(of: signal))
      }
    }
  }

  /// Stops and removes containers of services that are not among the known ones.
  package func removeOrphans(_ project: String, known: [String]) throws(EngineError) {
    let orphans = try orphans(of: project, known: known)
    if !orphans.isEmpty { try remove(project, services: orphans, .ofOrphans) }
  }

  func orphans(of project: String, known: [String]) throws(EngineError) -> [String] {
    try containers(of: project, services: []).compactMap { $0.record?.service }.filter { !known.contains($0) }
  }

  /// Stops all processes of running containers where they are, until `unpause`.
  package func pause(_ project: String, services: [String]) throws(EngineError) {
    try requireRoot()
    try locked(project) { _ throws(EngineError) in
      for status in try pausable(project, services: services) {
        try engineStep(status.directory.name) { try freeze(status) }
        report(.container, status.directory.name, .paused)
      }
    }
  }

  /// Those that run; it is an error when one of them is paused already.
  func pausable(_ project: String, services: [String]) throws(EngineError) -> [ContainerStatus] {
    let chosen = try containers(of: project, services: services).filter { $0.record?.isOneOff == false }
    try refuse(chosen.filter(\.directory.isPaused), "is already paused")
    return chosen.filter { if case .running = $0.state { true } else { false } }
  }

  package func unpause(_ project: String, services: [String]) throws(EngineError) {
    try requireRoot()
    try locked(project) { _ throws(EngineError) in
      for status in try unpausable(project, services: services) {
        try engineStep(status.directory.name) { try thaw(status) }
        report(.container, status.directory.name, .unpaused)
      }
    }
  }

  /// All of the services; it is an error when one of them runs and is not paused.
  func unpausable(_ project: String, services: [String]) throws(EngineError) -> [ContainerStatus] {
    let chosen = try containers(of: project, services: services).filter { $0.record?.isOneOff == false }
    try refuse(chosen.filter { !$0.directory.isPaused }, "is not paused")
    return chosen
  }

  private func refuse(_ containers: [ContainerStatus], _ reason: String) throws(EngineError) {
    let running = containers.filter { $0.state.shim != nil }
    if running.isEmpty { return }
    throw EngineError(.failure, running.map { EngineError.Problem(nil, "container \($0.name) \(reason)") })
  }

  /// Stops the processes of a running container where they are.
  func freeze(_ status: ContainerStatus) throws {
    // The mark first: who finds it thaws what may be frozen.
    try status.directory.markPaused(true)
    guard try cgroup(of: status).freeze() else { throw EngineError(.failure, "its processes do not stop") }
  }

  /// Lets a container that was paused go on.
  func thaw(_ status: ContainerStatus) throws {
    guard status.directory.isPaused else { return }
    try cgroup(of: status).thaw()
    try status.directory.markPaused(false)
  }

  package func cgroup(of status: ContainerStatus) throws -> Cgroup {
    try Cgroup(
      try CgroupHierarchy.current(), project: status.record?.project ?? "", container: status.directory.name)
  }

  package struct RemoveOptions: Hashable, Sendable {
    /// Those that run are stopped first; without it they are left alone.
    package var stops = false
    package var removesAnonymousVolumes = false
    /// Also those that `run` made.
    package var includesOneOffs = true
    package var timeout: Int?

    package init() {}

    static let ofOrphans: RemoveOptions = {
      var options = RemoveOptions()
      options.stops = true
      return options
    }()
  }

  /// The containers that `remove` would remove.
  package func removable(
    _ project: String, services: [String], _ options: RemoveOptions
  ) throws(EngineError) -> [ContainerStatus] {
    try containers(of: project, services: services).filter { status in
      (options.includesOneOffs || status.record?.isMadeByRun == false)
        && (options.stops || status.state.shim == nil && !status.isRestarting)
    }
  }

  /// Removes containers that do not run.
  package func remove(_ project: String, services: [String], _ options: RemoveOptions) throws(EngineError) {
    try requireRoot()
    try locked(project) { _ throws(EngineError) in
      let chosen = try removable(project, services: services, options)
      let problems = try StopOperation(engine: self, timeout: options.timeout).stop(chosen)
      for status in chosen {
        try engineStep(status.directory.name) { try remove(status, withVolumes: options.removesAnonymousVolumes) }
        report(.container, status.directory.name, .removed)
      }
      if !problems.isEmpty { throw EngineError(.failure, problems) }
    }
  }

  /// Removes a container that does not run, and its anonymous volumes with it.
  func remove(_ status: ContainerStatus, withVolumes: Bool) throws {
    try status.directory.remove()
    guard withVolumes, let project = status.record?.project else { return }
    let volumes = VolumeStore(directory: paths.volumes)
    for volume in try volumes.volumes(of: project)
    where volume.isAnonymous && volume.name.hasPrefix("\(status.directory.name)_") {
      try volumes.remove(volume.name, of: project)
    }
  }

  /// Waits until containers have ended for good.
  /// - Parameters:
  ///   - any: until one has.
  ///   - ended: called for each, with its exit code, as it ends.
  package func wait(
    _ project: String, services: [String], any: Bool, ended: (ContainerStatus, Int32) -> Void
  ) throws(EngineError) {
    var open = try containers(of: project, services: services).filter { $0.record?.isOneOff == false }
    if open.isEmpty {
      throw EngineError(.failure, "there is nothing to wait for: project \(project) has no containers")
    }
    try engineStep("supervisor") { try SupervisorSpawner(paths: paths, project: project).ensure() }
    let watch = try engineStep { try LifeWatch() }
    for status in open { try engineStep { try watch.add(status.directory.name, status.directory) } }
    while true {
      var handles: [ProcessHandle] = []
      var left: [ContainerStatus] = []
      for status in open {
        let now = try engineStep { try ContainerStatus(status.directory) }
        if case .exited = now.state, !now.isRestarting {
          ended(now, now.state.exitCode ?? 137)
          if any { return }
        } else if now.state == .created {
          throw EngineError(.failure, status.directory.name, "was never started")
        } else {
          left.append(now)
          if let handle = try engineStep(nil, { try now.state.shim?.open() }) { handles.append(handle) }
        }
      }
      open = left
      if open.isEmpty { return }
      // A shim that ended between the look and here shows as none: then there is something to look at.
      let running = open.filter { $0.state.shim != nil }.count
      try engineStep {
        _ = try Polling.readable(
          handles.map(\.descriptor) + [watch.descriptor], milliseconds: handles.count < running ? 10 : -1)
        _ = try watch.changes()
      }
    }
  }

  /// Waits until services that were started are ready, as `up --wait` does.
  func waitUntilReady(_ project: String, services: [String], timeout: Int?) throws(EngineError) {
    let chosen = try containers(of: project, services: services).filter { $0.record?.isOneOff == false }
    let watch = try engineStep { try LifeWatch() }
    for status in chosen { try engineStep { try watch.add(status.directory.name, status.directory) } }
    var readiness = Readiness(chosen)
    let deadline = Readiness.deadline(after: timeout)
    while true {
      for status in chosen {
        let name = status.directory.name
        let now = try engineStep(name) { try ContainerStatus(status.directory) }
        if case .running = now.state { readiness.take(StartRunner.Event(service: name, outcome: .alreadyRunning)) }
        if let outcome = LifeWatch.outcome(of: now) {
          readiness.take(StartRunner.Event(service: name, outcome: outcome))
        }
      }
      if readiness.isDecided || KernelClock.monotonic >= deadline { break }
      try engineStep {
        _ = try Polling.readable([watch.descriptor], milliseconds: KernelClock.milliseconds(until: deadline))
        _ = try watch.changes()
      }
    }
    let problems = readiness.problems(after: timeout)
    if !problems.isEmpty { throw EngineError(.failure, problems) }
  }
}
