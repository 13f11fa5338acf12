import Glibc
import IsolationEngine
import LinuxCgroup
import LinuxSystem
import StackStore
import SystemPackage

/// Ends the processes of containers: each as its record says, in reverse order of dependency, all that is independent at once.
struct StopOperation {
  let engine: Engine
  /// Seconds; nil is each container's own grace period.
  let timeout: Int?
  /// Readable when the user wants everything killed now; nil when nobody is asked.
  var impatience: FileDescriptor?

  /// Stops `containers`; returns when all of them have ended and their last output is in their logs.
  func stop(_ containers: [ContainerStatus]) throws(EngineError) {
    var waiting = Dictionary(
      uniqueKeysWithValues: containers.filter { $0.state.shim != nil }.map { ($0.directory.name, $0) })
    var stopping: [String: Stopping] = [:]
    while !waiting.isEmpty || !stopping.isEmpty {
      // A container is stopped once nothing that depends on it runs any more.
      let needed = Set(
        (waiting.values.map(\.record) + stopping.values.map(\.status.record)).flatMap { $0?.dependencies ?? [] })
      var ready = waiting.values.filter { !needed.contains($0.record?.service ?? "") }
      // Records of different files may depend on each other in a circle: then all go at once.
      if ready.isEmpty && stopping.isEmpty { ready = Array(waiting.values) }
      for status in ready.sorted(by: { $0.directory.name < $1.directory.name }) {
        waiting[status.directory.name] = nil
        if let stop = try begin(status) { stopping[status.directory.name] = stop }
      }
      try waitForOne(&stopping)
    }
  }

  private final class Stopping {
    let status: ContainerStatus
    let shim: ProcessHandle
    var killAt: UInt64

    init(status: ContainerStatus, shim: consuming ProcessHandle, killAt: UInt64) {
      self.status = status
      self.shim = shim
      self.killAt = killAt
    }
  }

  private func begin(_ status: ContainerStatus) throws(EngineError) -> Stopping? {
    guard let identity = status.state.shim, let shim = identity.open() else { return nil }
    engine.report(.container, status.directory.name, .stopping)
    let grace = timeout.map { UInt64(max(0, $0)) * 1_000_000_000 } ?? status.record?.stopGracePeriod ?? 10_000_000_000
    try engineStep(status.directory.name) {
      switch status.state {
      case .running(let run, _):
        // Through the container's own process: the shim sees its end, completes the log, and ends.
        guard let process = run.process.open() else { break }
        let signal = status.record?.stopSignal ?? SIGTERM
        // To PID 1 of a namespace the kernel delivers only signals that it handles: any other would be waited for in vain.
        let isHandled = signal == SIGKILL || run.process.catches(signal)
        if !isHandled {
          let name = SignalName.name(of: signal)
          engine.report(.container, status.directory.name, .killed, detail: "its PID 1 does not handle \(name)")
        }
        try process.signal(isHandled ? signal : SIGKILL)
      case .starting:
        // Not yet a container: its process dies with the shim.
        try shim.signal(SIGKILL)
      case .created, .exited: break
      }
    }
    return Stopping(status: status, shim: shim, killAt: KernelClock.monotonic + grace)
  }

  /// Waits until at least one container has ended, or a deadline has passed and been acted on.
  private func waitForOne(_ stopping: inout [String: Stopping]) throws(EngineError) {
    guard !stopping.isEmpty else { return }
    let all = stopping.sorted { $0.key < $1.key }.map(\.value)
    let next = all.map(\.killAt).min() ?? .max
    let now = KernelClock.monotonic
    let limit = next == .max ? -1 : Int((max(next, now) - now + 999_999) / 1_000_000)
    var descriptors = all.map(\.shim.descriptor)
    if let impatience { descriptors.append(impatience) }
    let ready = try engineStep { try Polling.readable(descriptors, milliseconds: limit) }
    let isImpatient = impatience != nil && ready.last == true
    for (index, stop) in all.enumerated() {
      if ready[index] {
        stopping[stop.status.directory.name] = nil
        engine.report(.container, stop.status.directory.name, .stopped)
      } else if isImpatient || KernelClock.monotonic >= stop.killAt {
        stop.killAt = .max
        try kill(stop)
      }
    }
  }

  /// Kills every process of the container: PID 1, with which the kernel ends its PID namespace.
  private func kill(_ stop: Stopping) throws(EngineError) {
    engine.report(.container, stop.status.directory.name, .killed, detail: "it did not stop in time")
    try engineStep(stop.status.directory.name) {
      if case .running(let run, _) = stop.status.state, let process = run.process.open() {
        try process.signal(SIGKILL)
      } else {
        try stop.shim.signal(SIGKILL)
      }
    }
  }
}

extension Engine {
  /// Stops the containers of services, all if none is named; they stay, and `up` starts them again.
  package func stop(_ project: String, services: [String], timeout: Int?) throws(EngineError) {
    try requireRoot()
    let lock = try lock(project)
    let statuses = try engineStep { try paths.project(project).statuses() }
    try checkNames(services, among: statuses)
    let chosen = statuses.filter { services.isEmpty || services.contains($0.record?.service ?? "") }
    try StopOperation(engine: self, timeout: timeout).stop(chosen)
    withExtendedLifetime(lock) {}
  }

  func checkNames(_ services: [String], among statuses: [ContainerStatus]) throws(EngineError) {
    let known = Set(statuses.compactMap { $0.record?.service })
    let unknown = services.filter { !known.contains($0) }
    if !unknown.isEmpty {
      throw EngineError(.failure, unknown.map { EngineError.Problem(nil, "no such service: \($0)") })
    }
  }
}
