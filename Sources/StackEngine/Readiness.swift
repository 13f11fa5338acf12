import LinuxSystem
import StackModel
import StackPlan
import StackStore

/// Which services of an `up --wait`, or containers of a `start --wait`, are ready, and which will not be.
///
/// Ready is a service that is healthy, or has no health check and runs, or has ended with success.
struct Readiness {
  private enum State: Hashable {
    case waiting
    case ready
    case failed(String)
  }

  private let project: [String: ContainerDirectory]
  private let hasHealthCheck: [String: Bool]
  private var states: [String: State]
  private let order: [String]

  init(_ services: [PreparedService]) {
    self.init(services.map { ($0.service.name, $0.container, $0.healthCheck != nil) })
  }

  /// Of containers, each under its own name.
  init(_ containers: [ContainerStatus]) {
    self.init(containers.map { ($0.directory.name, $0.directory, $0.record?.life.healthCheck != nil) })
  }

  private init(_ awaited: [(name: String, container: ContainerDirectory, hasHealthCheck: Bool)]) {
    order = awaited.map(\.name)
    project = Dictionary(awaited.map { ($0.name, $0.container) }, uniquingKeysWith: { first, _ in first })
    hasHealthCheck = Dictionary(awaited.map { ($0.name, $0.hasHealthCheck) }, uniquingKeysWith: { first, _ in first })
    states = Dictionary(awaited.map { ($0.name, .waiting) }, uniquingKeysWith: { first, _ in first })
  }

  /// Whether nothing is left to wait for: all are ready, or one will not be.
  var isDecided: Bool {
    states.values.allSatisfy { $0 == .ready } || states.values.contains { if case .failed = $0 { true } else { false } }
  }

  /// The moment on the monotonic clock at which waiting ends.
  /// - Parameter timeout: in seconds; nil is never.
  static func deadline(after timeout: Int?) -> UInt64 {
    timeout.map { KernelClock.monotonic + UInt64(max(0, $0)) * 1_000_000_000 } ?? .max
  }

  mutating func take(_ event: StartRunner.Event) {
    guard let state = states[event.service] else { return }
    switch event.outcome {
    case .started, .alreadyRunning: if hasHealthCheck[event.service] == false { states[event.service] = .ready }
    case .healthy: states[event.service] = .ready
    case .unhealthy(let reason): if state != .ready { states[event.service] = .failed(reason) }
    case .failed(_, let reason): states[event.service] = .failed(reason)
    case .ended:
      // Best effort: without a record the container was killed with its shim.
      let exit = try? project[event.service]?.read(.exit)
      let code = exit?.status.code ?? 137
      states[event.service] =
        code == 0
        ? .ready : .failed("exited with code \(code)" + (exit?.wasOutOfMemory ?? false ? ", out of memory" : ""))
    }
  }

  /// What keeps the stack from being ready.
  /// - Parameter timeout: the seconds that were waited.
  func problems(after timeout: Int?) -> [EngineError.Problem] {
    let failed = order.compactMap { name -> EngineError.Problem? in
      if case .failed(let reason)? = states[name] { EngineError.Problem(name, reason) } else { nil }
    }
    if !failed.isEmpty || isDecided { return failed }
    let seconds = timeout ?? 0
    let all = EngineError.Problem(nil, "application not healthy after \(seconds)s")
    return [all]
      + order.filter { states[$0] == .waiting }.map { name in
        // Best effort: the reason is a help for the reader.
        let check = project[name].flatMap { try? $0.read(.life) }?.lastCheck
        let words = check.map { ": \(LifeWatch.reason($0))" } ?? ""
        return EngineError.Problem(name, "is not ready after \(seconds) s\(words)")
      }
  }
}
