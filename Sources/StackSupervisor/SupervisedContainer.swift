import Glibc
import LinuxSystem
import StackLifecycle
import StackModel
import StackStore
import SystemPackage

/// A container as its supervisor knows it.
final class SupervisedContainer {
  let directory: ContainerDirectory
  let record: ContainerRecord
  var life: ContainerLife
  private(set) var shim: ProcessHandle?
  private var shimIdentity: ProcessIdentity?
  /// Whether its shim may be there, and its end would not be seen: there was no descriptor for it.
  private(set) var lacksHandle = false
  private var run: RunRecord?
  /// When its life has to be told the time.
  var wakeAt: UInt64?
  var probe: HealthProbe?
  /// The run whose check waits until a paused container goes on.
  private var delayedProbe: Int?
  var lastCheck: LifeRecord.Check?
  /// Where the shim of a restart reports.
  var starting: SharedDescriptor?
  /// It was ended because the container whose network it shares has ended.
  var followsOwner = false

  /// Takes over what an earlier supervisor knew.
  init(_ directory: ContainerDirectory, _ record: ContainerRecord) {
    self.directory = directory
    self.record = record
    let known = try? directory.read(.life)
    lastCheck = known?.lastCheck
    life = ContainerLife(
      check: record.life.healthCheck, restart: record.restart, timing: record.life.restartTiming,
      restarts: known?.restarts ?? 0)
  }

  /// Whether this is the container of a record, not one that was made anew under its name.
  func isSame(as other: ContainerRecord) -> Bool {
    record.createdAt == other.createdAt && record.configuration == other.configuration
      && record.restart == other.restart && record.life == other.life
  }

  /// Whether something of it runs, or will.
  var isActive: Bool {
    switch life.phase {
    case .running, .restarting: true
    case .ended: shim != nil || followsOwner
    }
  }

  var isRunning: Bool {
    if case .running = life.phase { true } else { false }
  }

  var hasRun: Bool { run != nil }

  /// The process that runs, or ran last.
  var process: ProcessIdentity? { run?.process }

  /// Whether anybody asks for what becomes of it.
  var isWatched: Bool { record.life.healthCheck != nil || RestartMachine.isActive(record.restart) }

  /// Takes over what is on the disk.
  func take(_ status: ContainerStatus, at now: UInt64) -> [ContainerLife.Effect] {
    watch(status.state.shim)
    switch status.state {
    case .starting: return []
    case .created:
      // A start whose shim was killed before anything ran, by who wants it to stay stopped.
      return directory.isHalted ? life.handle(.halted, at: now) : []
    case .running(let run, _):
      self.run = run
      let known = try? directory.read(.life)
      let health = known.flatMap { $0.run == run.run ? $0.health : nil }
      return life.handle(
        .running(run: run.run, startedAt: Self.monotonic(run.startedAt), health: health), at: now)
    case .exited(let run, let exit):
      // The start that follows this run is being made.
      if starting != nil { return [] }
      if case .restarting = life.phase, directory.isHalted { return life.handle(.halted, at: now) }
      self.run = run
      let known = try? directory.read(.life)
      let isSettled = known.map { $0.run == run.run && $0.phase == .ended } ?? false
      return life.handle(
        .ended(
          run: run.run, code: exit?.status.code ?? 137, startedAt: Self.monotonic(run.startedAt),
          endedAt: exit.map { Self.monotonic($0.finishedAt) } ?? now, isHalted: isSettled || directory.isHalted),
        at: now)
    }
  }

  /// A time on the clock that jumps, on the one that does not.
  private static func monotonic(_ realtime: UInt64) -> UInt64 {
    let (real, steady) = (KernelClock.realtime, KernelClock.monotonic)
    return realtime > real ? steady : steady - min(steady, real - realtime)
  }

  private func watch(_ identity: ProcessIdentity?) {
    guard identity != shimIdentity || shim == nil else { return }
    shimIdentity = identity
    do throws(SystemCallError) {
      shim = try identity?.open()
      lacksHandle = false
    } catch {
      // Of a shim that is killed nothing else tells.
      shim = nil
      lacksHandle = true
    }
  }

  func shimEnded() {
    shim = nil
  }

  func kill() {
    // Best effort: what has ended meanwhile is as it should be.
    try? run?.process.open()?.signal(SIGKILL)
  }

  // MARK: Health

  /// Starts a check; what cannot be started has failed, or, for want of descriptors or memory, been missed.
  func startProbe(run number: Int) -> [ContainerLife.Effect] {
    guard let run, run.run == number, let check = record.life.healthCheck, let wanted = check.probe else { return [] }
    if directory.isPaused {
      delayedProbe = number
      return []
    }
    let now = KernelClock.monotonic
    // A line that was written stays written.
    if case .log = wanted, life.health == .healthy || life.health == .unhealthy && lastCheck?.succeeded == true {
      return life.handle(.probed(run: number, succeeded: true), at: now)
    }
    do {
      probe = try HealthProbe.start(
        wanted, of: .init(directory: directory, record: record, run: run), timeout: timeout(of: check))
      return []
    } catch {
      lastCheck = LifeRecord.Check(
        succeeded: false, exitCode: -1, output: "\(error)", endedAt: KernelClock.realtime)
      let wasMissed = HealthProbe.isShortage(error)
      return life.handle(wasMissed ? .missed(run: number) : .probed(run: number, succeeded: false), at: now)
    }
  }

  /// A check has ended.
  func probeEnded() -> [ContainerLife.Effect] {
    guard let ended = probe else { return [] }
    probe = nil
    let (check, wasMissed) = ended.outcome()
    lastCheck = check
    let event = ContainerLife.Event.probed(run: ended.run, succeeded: check.succeeded)
    return life.handle(wasMissed ? .missed(run: ended.run) : event, at: KernelClock.monotonic)
  }

  /// A container that is paused answers no check: one that is being made, or becomes due, is made when it goes on.
  func followPause() -> [ContainerLife.Effect] {
    if directory.isPaused {
      guard let probe else { return [] }
      delayedProbe = probe.run
      probe.cancel()
      self.probe = nil
      return []
    }
    guard let run = delayedProbe else { return [] }
    delayedProbe = nil
    return startProbe(run: run)
  }

  private func timeout(of check: HealthCheck) -> UInt64 {
    let timing = HealthTiming(check)
    // Waiting for a line is one check for as long as the service may take.
    if case .log = check.probe {
      return timing.startPeriod &+ UInt64(timing.retries) &* timing.interval
    }
    return timing.timeout
  }

  // MARK: What others see

  func writeLife() {
    guard isWatched, let run else { return }
    let phase: LifeRecord.Phase =
      switch life.phase {
      case .running: .running
      case .restarting: .restarting
      case .ended: .ended
      }
    let record = LifeRecord(
      run: run.run, phase: phase, health: life.health, failures: life.failures, restarts: life.restarts,
      lastCheck: lastCheck)
    do {
      try directory.write(record)
    } catch {
      SupervisorProcess.log("\(directory.name): \(error)")
    }
  }
}
