import StackModel

/// The life of one container between `up` and `down`: its runs, its health, and its restarts.
///
/// Events in, effects out: no clock and no lock inside. Times are nanoseconds of one clock and come with the events.
package struct ContainerLife: Sendable, Hashable {
  package enum Event: Sendable, Hashable {
    /// A run of the container was seen; `startedAt` may be long ago, and `health` what is known of it.
    case running(run: Int, startedAt: UInt64, health: HealthStatus?)
    /// A run ended. `isHalted`: because somebody wanted it to.
    case ended(run: Int, code: Int32, startedAt: UInt64, endedAt: UInt64, isHalted: Bool)
    case probed(run: Int, succeeded: Bool)
    /// A check could not be made.
    case missed(run: Int)
    /// The next start could not be made: it counts as a run that ended at once.
    case restartFailed
    /// Somebody wants it to stay as it is.
    case halted
    /// Nothing but that time has passed.
    case time
  }

  package enum Effect: Sendable, Hashable {
    case probe(run: Int)
    /// Stop a check that is still being made.
    case cancelProbe
    case restart
    /// Send `time` then, or later.
    case wake(at: UInt64)
    /// What others see of it is another: health, restarts, phase.
    case changed
  }

  package enum Phase: Sendable, Hashable {
    /// Nothing runs, and nothing will.
    case ended
    case running(run: Int)
    case restarting(at: UInt64)
  }

  private let check: HealthCheck?
  private var restart: RestartMachine
  private var machine: HealthMachine?
  package private(set) var phase = Phase.ended
  private var lastRun = 0
  /// The last run was ended by somebody who wanted that; who takes it back makes it an end like others.
  private var wasHalted = false

  /// - Parameter check: complete, with its probe; nil when there is none.
  package init(check: HealthCheck?, restart policy: RestartPolicy, timing: RestartTiming?, restarts: Int = 0) {
    self.check = check
    restart = RestartMachine(policy, timing, restarts: restarts)
  }

  package var health: HealthStatus? { machine?.status }
  package var failures: Int { machine?.failures ?? 0 }
  package var restarts: Int { restart.restarts }

  package mutating func handle(_ event: Event, at now: UInt64) -> [Effect] {
    switch event {
    case .running(let run, let startedAt, let health): running(run, startedAt, health)
    case .ended(let run, let code, let startedAt, let endedAt, let isHalted):
      ended(run, code, startedAt, endedAt, isHalted, at: now)
    case .probed(let run, let succeeded): checked(run) { $0.probed(succeeded: succeeded, at: now) }
    case .missed(let run): checked(run) { $0.missed(at: now) }
    case .restartFailed: restartFailed(at: now)
    case .halted: halted()
    case .time: time(now)
    }
  }

  private mutating func running(_ run: Int, _ startedAt: UInt64, _ health: HealthStatus?) -> [Effect] {
    guard run > lastRun || phase == .ended && run == lastRun else { return [] }
    lastRun = run
    phase = .running(run: run)
    guard let check else { return [.changed] }
    var machine = HealthMachine(HealthTiming(check), status: health ?? .starting, startedAt: startedAt)
    let effects = machine.begin()
    self.machine = machine
    return [.changed] + translated(effects)
  }

  private mutating func ended(
    _ run: Int, _ code: Int32, _ startedAt: UInt64, _ endedAt: UInt64, _ isHalted: Bool, at now: UInt64
  ) -> [Effect] {
    switch phase {
    case .running(run): break
    // One that ended while nobody looked.
    case .restarting where run > lastRun: break
    case .ended where run > lastRun || run == lastRun && wasHalted && !isHalted: break
    case .running, .restarting, .ended: return []
    }
    lastRun = run
    machine = nil
    wasHalted = isHalted
    if isHalted {
      phase = .ended
      return [.cancelProbe, .changed]
    }
    let duration = endedAt > startedAt ? endedAt - startedAt : 0
    return [.cancelProbe] + settle(restart.ended(code: code, after: duration, at: max(now, endedAt)))
  }

  private mutating func restartFailed(at now: UInt64) -> [Effect] {
    guard case .restarting = phase else { return [] }
    return settle(restart.ended(code: 125, after: 0, at: now))
  }

  private mutating func halted() -> [Effect] {
    guard case .restarting = phase else { return [] }
    phase = .ended
    wasHalted = true
    return [.changed]
  }

  private mutating func settle(_ decision: RestartMachine.Decision) -> [Effect] {
    switch decision {
    case .stay:
      phase = .ended
      return [.changed]
    case .restart(let time):
      phase = .restarting(at: time)
      return [.changed, .wake(at: time)]
    }
  }

  private mutating func checked(
    _ run: Int, _ tell: (inout HealthMachine) -> [HealthMachine.Effect]
  ) -> [Effect] {
    guard phase == .running(run: run), var machine else { return [] }
    let effects = tell(&machine)
    self.machine = machine
    return translated(effects)
  }

  private mutating func time(_ now: UInt64) -> [Effect] {
    switch phase {
    case .running: return translated(machine?.woke(at: now) ?? [])
    case .restarting(let time) where now >= time:
      // Once: the next word is that it runs, or that it could not be started.
      phase = .restarting(at: .max)
      return [.restart]
    case .restarting, .ended: return []
    }
  }

  private func translated(_ effects: [HealthMachine.Effect]) -> [Effect] {
    effects.map { effect in
      switch effect {
      case .probe: .probe(run: lastRun)
      case .wake(let time): .wake(at: time)
      case .became: .changed
      }
    }
  }
}
