import StackModel

/// When a container that has ended is started again: `restart` and `deploy.restart_policy`.
package struct RestartMachine: Sendable, Hashable {
  package enum Decision: Sendable, Hashable {
    case restart(at: UInt64)
    /// It stays as it is.
    case stay
  }

  private static let firstDelay: UInt64 = 100_000_000
  private static let longestDelay: UInt64 = 60_000_000_000
  /// A run that lasted this long was a success: the next failure is a first one.
  private static let defaultWindow: UInt64 = 10_000_000_000

  private let policy: RestartPolicy
  private let timing: RestartTiming?
  /// Since the last run that was a success, for the delay.
  private var streak: UInt64 = 0
  /// All that count towards the maximum.
  package private(set) var restarts: Int

  package init(_ policy: RestartPolicy, _ timing: RestartTiming?, restarts: Int = 0) {
    self.policy = policy
    self.timing = timing
    self.restarts = restarts
  }

  /// Whether the policy would ever start a container again.
  package static func isActive(_ policy: RestartPolicy) -> Bool { policy != .no }

  /// - Parameters:
  ///   - duration: how long the run lasted.
  ///   - now: when it ended.
  package mutating func ended(code: Int32, after duration: UInt64, at now: UInt64) -> Decision {
    if duration >= timing?.window ?? Self.defaultWindow {
      streak = 0
      if timing?.window != nil { restarts = 0 }
    }
    guard wants(code) else { return .stay }
    restarts += 1
    let delay = timing?.delay ?? min(Self.firstDelay << min(streak, 20), Self.longestDelay)
    streak += 1
    return .restart(at: now + delay)
  }

  private func wants(_ code: Int32) -> Bool {
    let maximum: Int?
    switch policy {
    case .no: return false
    case .always, .unlessStopped: maximum = timing?.maximumAttempts
    case .onFailure(let limit):
      if code == 0 { return false }
      maximum = limit
    }
    return maximum.map { restarts < $0 } ?? true
  }
}
