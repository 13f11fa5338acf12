import LinuxSystem

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
  /// nil when `up` was killed between making the directory and writing the record.
  package let record: ContainerRecord?
  package let state: ContainerState

  /// What users call it.
  package var name: String { record?.containerName ?? directory.name }

  package init(_ directory: ContainerDirectory) throws {
    self.directory = directory
    record = try directory.read(.record)
    guard let run = try directory.read(.run) else {
      state = .created
      return
    }
    // The shim has the last word on an exit: while it lives, the record may be about to be written.
    switch (run.started, run.ended) {
    case (let started?, let ended?): state = .exited(started, ended)
    case (let started?, nil): state = run.shim.isAlive ? .running(started, shim: run.shim) : .exited(started, nil)
    case (nil, _): state = run.shim.isAlive ? .starting(shim: run.shim) : .created
    }
  }
}

extension ProjectDirectory {
  /// All containers of the project with their states.
  package func statuses() throws -> [ContainerStatus] {
    try containers().map { try ContainerStatus($0) }
  }
}
