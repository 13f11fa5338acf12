import LinuxSystem
import StackLifecycle

/// What a container is doing, derived from its records and the processes that there are.
package enum ContainerState: Hashable, Sendable {
  /// Never started.
  case created
  /// Its shim is at work, its program not yet running.
  case starting(shim: ProcessIdentity)
  case running(RunRecord, shim: ProcessIdentity)
  /// `record` is nil when the shim was killed: the kernel then killed the container (SIGKILL), and nobody saw it.
  case exited(RunRecord, ExitRecord?)

  /// The process that keeps the container, as long as one does.
  package var shim: ProcessIdentity? {
    switch self {
    case .created, .exited: nil
    case .starting(let shim), .running(_, let shim): shim
    }
  }

  /// The exit code to show, as a shell's: nil unless it has ended.
  package var exitCode: Int32? {
    switch self {
    case .created, .starting, .running: nil
    case .exited(_, let record): record?.status.code ?? 137
    }
  }
}

/// A container with all that is known about it.
package struct ContainerStatus: Hashable, Sendable {
  package let directory: ContainerDirectory
  /// nil when `up` was killed between making the directory and writing the record, or somebody removed it.
  package let record: ContainerRecord?
  package let state: ContainerState
  /// Health and restarts of the latest run; nil when nobody looks after them.
  package let life: LifeRecord?

  /// What users call it.
  package var name: String { record?.containerName ?? directory.name }

  /// - Parameter damageIsLoss: a record that is damaged counts as one that is not there, for who makes it anew.
  /// - Throws: `DamagedRecord`, `SystemCallError`.
  package init(_ directory: ContainerDirectory, damageIsLoss: Bool = false) throws {
    func read<Record>(_ kind: ContainerDirectory.Kind<Record>) throws -> Record? {
      do { return try directory.read(kind) } catch is DamagedRecord where damageIsLoss { return nil }
    }
    self.directory = directory
    let record = try read(.record)
    self.record = record
    guard let run = try read(.run) else {
      state = .created
      life = nil
      return
    }
    // The shim has the last word on an exit: while it lives, the record may be about to be written.
    switch (run.started, run.ended) {
    case (let started?, let ended?): state = .exited(started, ended)
    case (let started?, nil): state = try run.shim.isAlive ? .running(started, shim: run.shim) : .exited(started, nil)
    case (nil, _): state = try run.shim.isAlive ? .starting(shim: run.shim) : .created
    }
    let isWatched = record.map { $0.life.healthCheck != nil || RestartMachine.isActive($0.restart) } ?? false
    let life = isWatched ? try read(.life) : nil
    // Of a start that failed, what is known is that it is to be tried again.
    let isCurrent = life?.run == run.run || run.started == nil && life?.phase == .restarting
    self.life = isCurrent ? life : nil
  }

  /// Whether it ended and is started again, by its restart policy.
  package var isRestarting: Bool {
    guard let record, RestartMachine.isActive(record.restart), !directory.isHalted else { return false }
    if state == .created { return life?.phase == .restarting }
    guard case .exited(_, let exit) = state else { return false }
    if let life { return life.phase != .ended }
    // The supervisor has not seen the end yet: what it will say follows from the policy.
    var machine = RestartMachine(record.restart, record.life.restartTiming)
    return machine.ended(code: exit?.status.code ?? 137, after: 0, at: 0) != .stay
  }

  /// Whether it has done what it was there for: it ended by itself, with success, and for good.
  package var isCompleted: Bool {
    guard case .exited(_, let exit) = state, exit?.status == .exited(0), !directory.isHalted else { return false }
    return !isRestarting
  }
}

extension ProjectDirectory {
  /// All containers of the project with their states.
  /// - Parameter damageIsLoss: see `ContainerStatus`.
  package func statuses(damageIsLoss: Bool = false) throws -> [ContainerStatus] {
    try containers().map { try ContainerStatus($0, damageIsLoss: damageIsLoss) }
  }
}
