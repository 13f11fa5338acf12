import StackLifecycle
import StackModel
import Testing

private let second: UInt64 = 1_000_000_000
private let millisecond: UInt64 = 1_000_000

struct HealthMachineTests {
  private func timing(_ change: (inout HealthCheck) -> Void = { _ in }) -> HealthTiming {
    var check = HealthCheck(.command(["true"]))
    check.interval = second
    change(&check)
    return HealthTiming(check)
  }

  private func wake(_ effects: [HealthMachine.Effect]) -> UInt64? {
    for case .wake(let time) in effects { return time }
    return nil
  }

  @Test func theFirstCheckComesAtOnceAndIntervalOnlyAfterwards() {
    var machine = HealthMachine(timing(), startedAt: 0)
    #expect(machine.begin() == [.probe])
    #expect(machine.begin() == [])
    let effects = machine.probed(succeeded: true, at: 5 * millisecond)
    #expect(effects == [.became(.healthy), .wake(at: 5 * millisecond + second)])
    #expect(machine.woke(at: second) == [])
    #expect(machine.woke(at: 2 * second) == [.probe])
  }

  @Test func untilTheFirstSuccessChecksBackOffFromTwentyMilliseconds() {
    var machine = HealthMachine(timing { $0.interval = 30 * second }, startedAt: 0)
    _ = machine.begin()
    var now: UInt64 = 0
    var delays: [UInt64] = []
    while now < 100 * second {
      let next = wake(machine.probed(succeeded: false, at: now)) ?? 0
      delays.append((next - now) / millisecond)
      now = next
      if machine.status != .starting { break }
      #expect(machine.woke(at: now) == [.probe])
    }
    #expect(delays.first == 20)
    #expect(delays == delays.sorted() || delays.last == 30_000)
    #expect(delays.dropLast().max() == 1000)
  }

  @Test(arguments: [0, 3]) func failuresCountAsIfChecksCameEachInterval(period: UInt64) {
    var machine = HealthMachine(timing { $0.startPeriod = period * second }, startedAt: 0)
    _ = machine.begin()
    var now: UInt64 = 0
    while machine.status == .starting {
      now = wake(machine.probed(succeeded: false, at: now)) ?? .max
      _ = machine.woke(at: now)
    }
    // Three retries of a second each, after the start period.
    #expect(now - second >= (3 + period) * second)
    #expect(now - second < (4 + period) * second)
  }

  @Test func aHealthyContainerBecomesUnhealthyAfterFailuresInARowAndRecovers() {
    var machine = HealthMachine(timing { $0.retries = 2 }, status: .healthy, startedAt: 0)
    var now = 10 * second
    func step(_ succeeded: Bool) -> [HealthMachine.Effect] {
      _ = machine.begin()
      let effects = machine.probed(succeeded: succeeded, at: now)
      now = wake(effects) ?? 0
      _ = machine.woke(at: now)
      return effects.filter { if case .became = $0 { true } else { false } }
    }
    #expect(step(false) == [])
    #expect(step(true) == [])
    #expect(step(false) == [])
    #expect(step(false) == [.became(.unhealthy)])
    #expect(step(true) == [.became(.healthy)])
  }

  @Test func anOutcomeNobodyWaitsForChangesNothing() {
    var machine = HealthMachine(timing(), startedAt: 0)
    #expect(machine.probed(succeeded: true, at: 1) == [])
    #expect(machine.status == .starting)
  }

  @Test func aCheckThatCannotBeMadeCountsForNothingAndIsMadeAgainSoon() {
    var machine = HealthMachine(timing { ($0.interval, $0.retries) = (30 * second, 1) }, startedAt: 0)
    _ = machine.begin()
    var now = wake(machine.probed(succeeded: true, at: 0)) ?? 0
    for _ in 0..<5 {
      #expect(machine.woke(at: now) == [.probe])
      #expect(machine.missed(at: now) == [.wake(at: now + second)])
      #expect(machine.missed(at: now) == [])
      now += second
    }
    #expect(machine.status == .healthy && machine.failures == 0)
    _ = machine.woke(at: now)
    #expect(machine.probed(succeeded: false, at: now).contains(.became(.unhealthy)))
  }

  @Test func whoWaitsForTheFirstSuccessDoesNotWaitForEver() {
    var machine = HealthMachine(timing { $0.retries = 2 }, startedAt: 0)
    _ = machine.begin()
    #expect(machine.missed(at: second).contains(.wake(at: second + 100 * millisecond)))
    #expect(machine.status == .starting)
    _ = machine.woke(at: 2 * second)
    #expect(machine.missed(at: 2 * second).contains(.became(.unhealthy)))
  }
}
