import StackLifecycle
import StackModel
import Testing

private let second: UInt64 = 1_000_000_000
private let millisecond: UInt64 = 1_000_000

struct ContainerLifeTests {
  private func life(
    _ policy: RestartPolicy, check: HealthCheck? = nil, timing: RestartTiming? = nil
  ) -> ContainerLife {
    ContainerLife(check: check, restart: policy, timing: timing)
  }

  private func ended(_ run: Int, _ code: Int32, at time: UInt64 = 0, halted: Bool = false) -> ContainerLife.Event {
    .ended(run: run, code: code, startedAt: time, endedAt: time, isHalted: halted)
  }

  @Test func withoutAPolicyItStaysEnded() {
    var life = life(.no)
    _ = life.handle(.running(run: 1, startedAt: 0, health: nil), at: 0)
    #expect(life.handle(ended(1, 1), at: 0) == [.cancelProbe, .changed])
    #expect(life.phase == .ended)
  }

  @Test func itIsRestartedWithBackOffAndOnlyOnceForEachEnd() {
    var life = life(.always)
    var delays: [UInt64] = []
    for run in 1...12 {
      _ = life.handle(.running(run: run, startedAt: 0, health: nil), at: 0)
      guard case .wake(let time)? = life.handle(ended(run, 0), at: 0).last else {
        Issue.record("no restart")
        return
      }
      delays.append(time / millisecond)
      #expect(life.handle(.time, at: time - 1) == [])
      #expect(life.handle(.time, at: time) == [.restart])
      #expect(life.handle(.time, at: time + second) == [])
    }
    #expect(delays.prefix(4) == [100, 200, 400, 800])
    #expect(delays.last == 60_000)
  }

  @Test func aLongRunMakesTheNextFailureAFirstOne() {
    var life = life(.always)
    for run in 1...5 {
      _ = life.handle(.running(run: run, startedAt: 0, health: nil), at: 0)
      _ = life.handle(ended(run, 1), at: 0)
      _ = life.handle(.time, at: 100 * second)
    }
    _ = life.handle(.running(run: 6, startedAt: 0, health: nil), at: 0)
    let effects = life.handle(
      .ended(run: 6, code: 1, startedAt: 0, endedAt: 11 * second, isHalted: false), at: 11 * second)
    #expect(effects.last == .wake(at: 11 * second + 100 * millisecond))
  }

  @Test func onFailureCountsAndLeavesSuccessAlone() {
    var life = life(.onFailure(maximum: 2))
    for run in 1...2 {
      _ = life.handle(.running(run: run, startedAt: 0, health: nil), at: 0)
      _ = life.handle(ended(run, 3), at: 0)
      #expect(life.handle(.time, at: second) == [.restart])
    }
    _ = life.handle(.running(run: 3, startedAt: 0, health: nil), at: 0)
    _ = life.handle(ended(3, 3), at: 0)
    #expect(life.phase == .ended)
    #expect(life.restarts == 2)

    var good = self.life(.onFailure(maximum: nil))
    _ = good.handle(.running(run: 1, startedAt: 0, health: nil), at: 0)
    _ = good.handle(ended(1, 0), at: 0)
    #expect(good.phase == .ended)
  }

  @Test func whatSomebodyStoppedStaysStopped() {
    var life = life(.always)
    _ = life.handle(.running(run: 1, startedAt: 0, health: nil), at: 0)
    #expect(life.handle(ended(1, 143, halted: true), at: 0) == [.cancelProbe, .changed])
    #expect(life.phase == .ended)
    // And starts again when somebody starts it.
    _ = life.handle(.running(run: 2, startedAt: 0, health: nil), at: 0)
    #expect(life.phase == .running(run: 2))
  }

  @Test func whoIsStoppedBetweenTwoRunsStaysStoppedUntilThatIsTakenBack() {
    var life = life(.always)
    _ = life.handle(.running(run: 1, startedAt: 0, health: nil), at: 0)
    _ = life.handle(ended(1, 1), at: 0)
    #expect(life.handle(.halted, at: 0) == [.changed])
    #expect(life.handle(.time, at: second) == [])
    #expect(life.handle(ended(1, 1, halted: true), at: 0) == [])
    #expect(life.handle(ended(1, 1), at: 0).contains(.changed))
    #expect(life.phase != .ended)
  }

  @Test func anEndThatNobodySawIsRestarted() {
    var life = life(.always)
    #expect(life.handle(ended(4, 1), at: 0).contains(.wake(at: 100 * millisecond)))
  }

  @Test func aRestartThatFailsIsTriedAgain() {
    var life = life(.always)
    _ = life.handle(.running(run: 1, startedAt: 0, health: nil), at: 0)
    _ = life.handle(ended(1, 1), at: 0)
    #expect(life.handle(.time, at: second) == [.restart])
    #expect(life.handle(.restartFailed, at: second) == [.changed, .wake(at: second + 200 * millisecond)])
  }

  @Test func theDelayOfTheFileIsKept() {
    var life = life(.always, timing: RestartTiming(delay: 5 * second, maximumAttempts: 1))
    _ = life.handle(.running(run: 1, startedAt: 0, health: nil), at: 0)
    #expect(life.handle(ended(1, 0), at: 0).last == .wake(at: 5 * second))
    _ = life.handle(.time, at: 5 * second)
    _ = life.handle(.running(run: 2, startedAt: 0, health: nil), at: 0)
    _ = life.handle(ended(2, 0), at: 0)
    #expect(life.phase == .ended)
  }

  @Test func eachRunHasAHealthOfItsOwn() {
    var life = life(.always, check: HealthCheck(.tcp(port: 1)))
    #expect(life.handle(.running(run: 1, startedAt: 0, health: nil), at: 0) == [.changed, .probe(run: 1)])
    #expect(life.handle(.probed(run: 1, succeeded: true), at: 0).contains(.changed))
    #expect(life.health == .healthy)
    _ = life.handle(ended(1, 1), at: 0)
    #expect(life.health == nil)
    // What an old check said comes too late.
    #expect(life.handle(.probed(run: 1, succeeded: true), at: 0) == [])
    _ = life.handle(.time, at: second)
    _ = life.handle(.running(run: 2, startedAt: 0, health: nil), at: 0)
    #expect(life.health == .starting)
  }
}
