import Glibc
import LinuxSystem
import StackLifecycle
import StackModel
import StackPlan
import StackStore
import SystemPackage

/// Ends the processes of containers: each as its record says, in reverse order of dependency, all that is independent at once.
struct StopOperation {
  let engine: Engine
  /// Seconds; nil is each container's own grace period.
  let timeout: Int?
  /// The containers stay, stopped, until somebody starts them: none has done what it was there for.
  var leavesStopped = false
  /// They go with an `up` that failed: at once, and without a word, because nobody asked for their end.
  var takesBack = false

  /// Between the stop signal and SIGKILL when nothing is said (Compose Specification, `stop_grace_period`); nanoseconds.
  static let defaultGracePeriod: UInt64 = 10_000_000_000

  /// Stops `containers`; returns when all of them have ended and their last output is in their logs.
  /// - Parameter noneCanAct: called once, as soon as each of them has ended or has been sent SIGKILL: what only they could use
  ///   may go from then on.
  /// - Returns: the hooks that failed, which keeps nothing from being stopped.
  @discardableResult
  func stop(
    _ given: [ContainerStatus], noneCanAct: () -> Void = {}
  ) throws(EngineError) -> [EngineError.Problem] {
    let containers = try given.map { status throws(EngineError) in try halted(status) }
    let running = Dictionary(
      uniqueKeysWithValues: containers.filter { $0.state.shim != nil }.map { ($0.directory.name, $0) })
    var schedule = StopSchedule(try Self.graph(of: running.values.sorted { $0.directory.name < $1.directory.name }))
    var stopping: [String: Stopping] = [:]
    var left = running.count
    var isTold = false
    var problems: [EngineError.Problem] = []
    var effects = schedule.begin()
    while true {
      var ended: [String] = []
      for effect in effects {
        guard case .stop(let name) = effect else { continue }
        guard let status = running[name], let begun = try begin(status) else {
          ended.append(name)
          continue
        }
        stopping[name] = begun
      }
      if !isTold, stopping.count + ended.count == left, stopping.values.allSatisfy(\.isKilled) {
        isTold = true
        noneCanAct()
      }
      if effects.contains(.finished) { return problems }
      if ended.isEmpty { ended = try waitForSome(&stopping, &problems) }
      left -= ended.count
      effects = ended.flatMap { schedule.stopped($0) }
    }
  }

  /// Keeps the supervisor from starting a container again, and finds out what it does now.
  private func halted(_ status: ContainerStatus) throws(EngineError) -> ContainerStatus {
    guard let record = status.record,
      RestartMachine.isActive(record.restart) || leavesStopped && status.state.shim != nil
    else { return status }
    return try engineStep(status.directory.name) {
      try status.directory.halt()
      return try ContainerStatus(status.directory)
    }
  }

  /// Who needs whom, by the names of the containers.
  static func graph(of containers: [ContainerStatus]) throws(EngineError) -> DependencyGraph {
    // All containers of a service: the last replica goes after those that need the service, too.
    let names = Dictionary(
      containers.compactMap { status in status.record.map { ($0.service, [status.directory.name]) } },
      uniquingKeysWith: +)
    let nodes = containers.map { status in
      var node = Service(name: status.directory.name, root: .host)
      node.dependencies = (status.record?.dependencies ?? []).flatMap { names[$0] ?? [] }.map {
        Dependency(service: $0)
      }
      node.dependencies += steps(before: status, in: containers).map {
        Dependency(service: $0, condition: .completedSuccessfully)
      }
      return node
    }
    if let graph = try? DependencyGraph(nodes) { return graph }
    // Records of different files may depend on each other in a circle: then all go at once.
    return try engineStep { try DependencyGraph(nodes.map { Service(name: $0.name, root: .host) }) }
  }

  /// The steps that have to succeed before a container, or a further step, starts.
  private static func steps(before status: ContainerStatus, in containers: [ContainerStatus]) -> [String] {
    guard let record = status.record, !record.isMadeByRun else { return [] }
    let replica = record.initPlace.map(\.replica) ?? record.number
    return containers.filter { other in
      guard let place = other.record?.initPlace, other.record?.service == record.service else { return false }
      let isBefore = record.initPlace.map { place.index < $0.index } ?? true
      return isBefore && (replica.map(place.precedes) ?? true)
    }.map(\.directory.name)
  }

  private final class Stopping {
    enum Phase {
      /// It does what it wants to do before it is stopped (`pre_stop`).
      case preparing(BackgroundStep)
      /// It was told to end; when its grace period is over.
      case asked(killAt: UInt64)
      case killed
    }

    let status: ContainerStatus
    let shim: ProcessHandle
    var phase: Phase

    init(status: ContainerStatus, shim: consuming ProcessHandle, phase: Phase) {
      self.status = status
      self.shim = shim
      self.phase = phase
    }

    var isKilled: Bool {
      if case .killed = phase { true } else { false }
    }

    var killAt: UInt64? {
      if case .asked(let moment) = phase { moment } else { nil }
    }

    /// Readable when it has prepared itself.
    var preparation: FileDescriptor? {
      if case .preparing(let step) = phase { step.descriptor } else { nil }
    }
  }

  private func begin(_ status: ContainerStatus) throws(EngineError) -> Stopping? {
    guard let identity = status.state.shim,
      let shim = try engineStep(status.directory.name, { try identity.open() })
    else { return nil }
    if takesBack { return try kill(status, shim: shim) }
    engine.report(.container, status.name, .stopping)
    // A frozen process neither handles a signal nor, on cgroup v1, dies of one.
    try engineStep(status.directory.name) { try engine.thaw(status) }
    if let preparation = preparation(of: status) {
      return Stopping(status: status, shim: shim, phase: .preparing(preparation))
    }
    let stopping = Stopping(status: status, shim: shim, phase: .killed)
    try ask(stopping)
    return stopping
  }

  /// Tells a container to end.
  private func ask(_ stopping: Stopping) throws(EngineError) {
    let status = stopping.status
    let grace =
      timeout.map { UInt64(max(0, $0)) * 1_000_000_000 } ?? status.record?.stopGracePeriod ?? Self.defaultGracePeriod
    try engineStep(status.directory.name) {
      switch status.state {
      case .running(let run, _):
        // Through the container's own process: the shim sees its end, completes the log, and ends.
        let signal = status.record?.stopSignal ?? SIGTERM
        guard let process = try run.process.open() else {
          stopping.phase = .asked(killAt: KernelClock.monotonic + grace)
          break
        }
        // To PID 1 of a namespace the kernel delivers only signals that it handles: any other would be waited for in vain.
        let isHandled = signal == SIGKILL || run.process.catches(signal)
        if !isHandled {
          let name = SignalName.name(of: signal)
          engine.report(.container, status.name, .killed, detail: "its PID 1 does not handle \(name)")
        }
        let isKilled = !isHandled || signal == SIGKILL
        try process.signal(isKilled ? SIGKILL : signal)
        stopping.phase = isKilled ? .killed : .asked(killAt: KernelClock.monotonic + grace)
      case .starting:
        // Not yet a container: its process dies with the shim.
        stopping.phase = .killed
        try stopping.shim.signal(SIGKILL)
      case .created, .exited: stopping.phase = .killed
      }
    }
  }

  private func kill(_ status: ContainerStatus, shim: consuming ProcessHandle) throws(EngineError) -> Stopping {
    let stopping = Stopping(status: status, shim: shim, phase: .killed)
    try engineStep(status.directory.name) {
      try engine.thaw(status)
      try sendKill(stopping)
    }
    return stopping
  }

  /// Runs what the service wants to be run before it is stopped, beside all else; each command for its grace period at most.
  private func preparation(of status: ContainerStatus) -> BackgroundStep? {
    guard let record = status.record, !record.life.preStop.isEmpty, case .running(let run, _) = status.state else {
      return nil
    }
    return BackgroundStep {
      try Hooks(container: status.directory, run: run, service: record.service).run(
        record.life.preStop, limit: Int(clamping: record.stopGracePeriod / 1_000_000))
    }
  }

  /// Waits until a container has ended, has prepared itself, or a deadline has passed, and acts on it.
  /// - Returns: the names of those that have ended.
  private func waitForSome(
    _ stopping: inout [String: Stopping], _ problems: inout [EngineError.Problem]
  ) throws(EngineError) -> [String] {
    let all = stopping.sorted { $0.key < $1.key }
    let preparing = all.filter { $0.value.preparation != nil }
    let next = all.compactMap(\.value.killAt).min()
    let ready = try engineStep {
      try Polling.readable(
        all.map(\.value.shim.descriptor) + preparing.compactMap(\.value.preparation),
        milliseconds: KernelClock.milliseconds(until: next ?? .max))
    }
    var ended: [String] = []
    for ((name, container), hasEnded) in zip(all, ready) {
      if hasEnded {
        stopping[name] = nil
        ended.append(name)
        if !takesBack { engine.report(.container, container.status.name, .stopped) }
      } else if let killAt = container.killAt, KernelClock.monotonic >= killAt {
        container.phase = .killed
        try kill(container)
      }
    }
    for ((name, container), isPrepared) in zip(preparing, ready.dropFirst(all.count)) where isPrepared {
      guard stopping[name] != nil, case .preparing(let step) = container.phase else { continue }
      do {
        try step.wait()
      } catch {
        engine.report(.container, container.status.name, .failed, detail: "\(error)")
        problems.append(EngineError.Problem(container.status.name, "\(error)"))
      }
      try ask(container)
    }
    return ended
  }

  /// Kills every process of the container: PID 1, with which the kernel ends its PID namespace.
  private func kill(_ container: Stopping) throws(EngineError) {
    engine.report(.container, container.status.name, .killed, detail: timeout == 0 ? nil : "it did not stop in time")
    try engineStep(container.status.directory.name) { try sendKill(container) }
  }

  private func sendKill(_ container: Stopping) throws {
    if case .running(let run, _) = container.status.state, let process = try run.process.open() {
      try process.signal(SIGKILL)
    } else {
      try container.shim.signal(SIGKILL)
    }
  }
}

extension Engine {
  /// Stops the containers of services, all if none is named; they stay, and `up` starts them again.
  package func stop(_ project: String, services: [String], timeout: Int?) throws(EngineError) {
    try requireRoot()
    try locked(project) { _ throws(EngineError) in
      let problems = try StopOperation(engine: self, timeout: timeout, leavesStopped: true)
        .stop(try containers(of: project, services: services).filter { $0.record?.isMadeByRun != true })
      if !problems.isEmpty { throw EngineError(.failure, problems) }
    }
  }
}
