import StackModel

/// Whether a container is well, as its health check tells.
package enum HealthStatus: UInt8, Sendable, Hashable {
  /// Not yet known: no check has succeeded, and not enough have failed.
  case starting = 1
  case healthy = 2
  case unhealthy = 3
}

/// The times of a health check, complete; nanoseconds.
package struct HealthTiming: Sendable, Hashable {
  package var interval: UInt64
  package var timeout: UInt64
  package var startPeriod: UInt64
  package var retries: Int
  /// The longest time between two checks before the first success.
  package var startInterval: UInt64
  /// The shortest time between two checks before the first success.
  package var shortestDelay: UInt64
  /// The part of the time since the start after which the next check before the first success comes.
  package var backOff: UInt64

  private static let second: UInt64 = 1_000_000_000

  package init(_ check: HealthCheck) {
    interval = check.interval ?? 30 * Self.second
    timeout = check.timeout ?? 30 * Self.second
    startPeriod = check.startPeriod ?? 0
    retries = max(1, check.retries ?? 3)
    startInterval = min(check.startInterval ?? Self.second, check.interval ?? Self.second)
    switch check.probe {
    // A process in the container costs milliseconds, a look from outside microseconds.
    case .command, .shell, nil: (backOff, shortestDelay) = (10, 20_000_000)
    case .tcp, .http, .log, .file: (backOff, shortestDelay) = (25, 10_000_000)
    }
  }
}

/// The health of one run of a container: events in, effects out. Times come with the events, in nanoseconds of one clock.
///
/// The first check comes at once, then with back-off until one succeeds: what is ready is known to be ready without waiting
/// for `interval`, which only counts afterwards. Failures before the first success count as they would if checks came each
/// `interval`: a service has as much time to become ready as docker gives it.
package struct HealthMachine: Sendable, Hashable {
  package enum Effect: Sendable, Hashable {
    /// Make a check now, and tell how it ended.
    case probe
    /// Call `woke` at this time, or later.
    case wake(at: UInt64)
    case became(HealthStatus)
  }

  private enum Phase: Sendable, Hashable {
    case idle
    case probing
    case waiting(until: UInt64)
  }

  /// The longest time until a check that could not be made is made again.
  private static let repetition: UInt64 = 1_000_000_000

  private let timing: HealthTiming
  private let startedAt: UInt64
  private var phase = Phase.idle
  /// Since the last success.
  package private(set) var failures = 0
  package private(set) var status: HealthStatus

  /// - Parameters:
  ///   - status: what is known already of a container that runs.
  ///   - startedAt: when the container's process started.
  package init(_ timing: HealthTiming, status: HealthStatus = .starting, startedAt: UInt64) {
    self.timing = timing
    self.status = status
    self.startedAt = startedAt
  }

  package mutating func begin() -> [Effect] {
    guard phase == .idle else { return [] }
    phase = .probing
    return [.probe]
  }

  /// The time of a `wake` has come; another one has no effect.
  package mutating func woke(at now: UInt64) -> [Effect] {
    guard case .waiting(let until) = phase, now >= until else { return [] }
    phase = .probing
    return [.probe]
  }

  package mutating func probed(succeeded: Bool, at now: UInt64) -> [Effect] {
    guard phase == .probing else { return [] }
    let before = status
    if succeeded {
      failures = 0
      status = .healthy
    } else {
      failures += 1
      if isOver(at: now) { status = .unhealthy }
    }
    let next = now + delay(at: now)
    phase = .waiting(until: next)
    return (status == before ? [] : [.became(status)]) + [.wake(at: next)]
  }

  /// The check could not be made, which says nothing of the service: it is made again soon, and no failure is counted.
  package mutating func missed(at now: UInt64) -> [Effect] {
    guard phase == .probing else { return [] }
    let before = status
    // Who waits for the first success is not to wait for ever.
    if status == .starting && isOver(at: now) { status = .unhealthy }
    let next = now + min(delay(at: now), Self.repetition)
    phase = .waiting(until: next)
    return (status == before ? [] : [.became(status)]) + [.wake(at: next)]
  }

  /// Whether a service with these failures is unhealthy.
  private func isOver(at now: UInt64) -> Bool {
    switch status {
    case .healthy, .unhealthy: failures >= timing.retries
    case .starting: now >= startedAt &+ timing.startPeriod &+ UInt64(timing.retries) &* timing.interval
    }
  }

  private func delay(at now: UInt64) -> UInt64 {
    guard status == .starting else { return timing.interval }
    let elapsed = now > startedAt ? now - startedAt : 0
    return min(max(timing.shortestDelay, elapsed / timing.backOff), max(timing.startInterval, 1_000_000))
  }
}
