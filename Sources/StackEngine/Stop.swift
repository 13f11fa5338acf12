import Glibc
import LinuxSystem
import StackLifecycle
import StackModel
import StackPlan
import StackStore

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
  func stop(
    _ given: [ContainerStatus], noneCanAct: () -> Void = {}
  ) throws(EngineError) {
    let containers = try given.map { status throws(EngineError) in try halted(status) }
    let running = Dictionary(
      uniqueKeysWithValues: containers.filter { $0.state.shim != nil }.map { ($0.directory.name, $0) })
    var schedule = StopSchedule(try Self.graph(of: running.values.sorted { $0.directory.name < $1.directory.name }))
    var stopping: [String: Stopping] = [:]
    var left = running.count
    var isTold = false
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
      if effects.contains(.finished) { return }
      if ended.isEmpty { ended = try waitForSome(&stopping) }
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
      return node
    }
    if let graph = try? DependencyGraph(nodes) { return graph }
    // Records of different files may depend on each other in a circle: then all go at once.
    return try engineStep { try DependencyGraph(nodes.map { Service(name: $0.name, root: .host) }) }
  }

  private final class Stopping {
    let status: ContainerStatus
    let shim: ProcessHandle
    /// When its grace period is over; nil: it has been killed.
    var killAt: UInt64?

    var isKilled: Bool { killAt == nil }

    init(status: ContainerStatus, shim: consuming ProcessHandle, killAt: UInt64?) {
      self.status = status
      self.shim = shim
      self.killAt = killAt
    }
  }

  private func begin(_ status: ContainerStatus) throws(EngineError) -> Stopping? {
    guard let identity = status.state.shim, let shim = identity.open() else { return nil }
    if takesBack { return try kill(status, shim: shim) }
    engine.report(.container, status.name, .stopping)
    let grace =
      timeout.map { UInt64(max(0, $0)) * 1_000_000_000 } ?? status.record?.stopGracePeriod ?? Self.defaultGracePeriod
    var isKilled = false
    try engineStep(status.directory.name) {
      // A frozen process neither handles a signal nor, on cgroup v1, dies of one.
      try engine.thaw(status)
      switch status.state {
      case .running(let run, _):
        // Through the container's own process: the shim sees its end, completes the log, and ends.
        guard let process = run.process.open() else { break }
        prepare(status, run, grace)
        let signal = status.record?.stopSignal ?? SIGTERM
        // To PID 1 of a namespace the kernel delivers only signals that it handles: any other would be waited for in vain.
        let isHandled = signal == SIGKILL || run.process.catches(signal)
        if !isHandled {
          let name = SignalName.name(of: signal)
          engine.report(.container, status.name, .killed, detail: "its PID 1 does not handle \(name)")
        }
        isKilled = !isHandled || signal == SIGKILL
        try process.signal(isKilled ? SIGKILL : signal)
      case .starting:
        // Not yet a container: its process dies with the shim.
        isKilled = true
        try shim.signal(SIGKILL)
      case .created, .exited: isKilled = true
      }
    }
    return Stopping(status: status, shim: shim, killAt: isKilled ? nil : KernelClock.monotonic + grace)
  }

  private func kill(_ status: ContainerStatus, shim: consuming ProcessHandle) throws(EngineError) -> Stopping {
    let stopping = Stopping(status: status, shim: shim, killAt: nil)
    try engineStep(status.directory.name) {
      try engine.thaw(status)
      try sendKill(stopping)
    }
    return stopping
  }

  /// Runs what the service wants to be run before it is stopped; what fails then does not keep it from being stopped.
  private func prepare(_ status: ContainerStatus, _ run: RunRecord, _ grace: UInt64) {
    guard let hooks = status.record?.life.preStop, !hooks.isEmpty else { return }
    do {
      try Hooks(container: status.directory, run: run, service: status.record?.service ?? "").run(
        hooks, limit: Int(clamping: grace / 1_000_000))
    } catch {
      engine.report(.container, status.directory.name, .failed, detail: "\(error)")
    }
  }

  /// Waits until a container has ended, or a deadline has passed and been acted on.
  /// - Returns: the names of those that have ended.
  private func waitForSome(_ stopping: inout [String: Stopping]) throws(EngineError) -> [String] {
    let all = stopping.sorted { $0.key < $1.key }
    let next = all.compactMap(\.value.killAt).min()
    let ready = try engineStep {
      try Polling.readable(
        all.map(\.value.shim.descriptor), milliseconds: KernelClock.milliseconds(until: next ?? .max))
    }
    var ended: [String] = []
    for ((name, container), hasEnded) in zip(all, ready) {
      if hasEnded {
        stopping[name] = nil
        ended.append(name)
        if !takesBack { engine.report(.container, container.status.name, .stopped) }
      } else if let killAt = container.killAt, KernelClock.monotonic >= killAt {
        container.killAt = nil
        try kill(container)
      }
    }
    return ended
  }

  /// Kills every process of the container: PID 1, with which the kernel ends its PID namespace.
  private func kill(_ container: Stopping) throws(EngineError) {
    engine.report(.container, container.status.name, .killed, detail: timeout == 0 ? nil : "it did not stop in time")
    try engineStep(container.status.directory.name) { try sendKill(container) }
  }

  private func sendKill(_ container: Stopping) throws {
    if case .running(let run, _) = container.status.state, let process = run.process.open() {
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
      try StopOperation(engine: self, timeout: timeout, leavesStopped: true)
        .stop(try containers(of: project, services: services))
    }
  }
}
