import ArgumentParser
import Glibc
import LinuxSystem
import StackEngine
import StackLogs
import StackStore
import SystemPackage

/// An attached `up`: shows what the services write until all have ended.
///
/// The first signal stops them as their files say, the second kills them at once. What they write meanwhile is shown too: a
/// second process of this program does the stopping.
struct Attachment {
  let project: Project
  let name: String
  let containers: [ContainerDirectory]
  let signals: SignalDescriptor
  let timeout: Int?
  let style: LogRenderer.Style

  func run() throws {
    let statuses = try containers.map { try ContainerStatus($0) }
    var output = LogOutput(style)
    let stopping = Stopping()
    try output.follow(
      statuses, selection: .all,
      interruption: LogOutput.Interruption(
        descriptors: [signals.descriptor], act: { try interrupted(stopping) },
        ended: { source in reportExit(of: statuses[source]) }))
    if stopping.count > 0 {
      stopping.reap()
      throw ExitCode(130)
    }
  }

  private final class Stopping {
    var count = 0
    var processes: [ProcessHandle] = []

    /// Waits for the processes that stop the stack: they release its lock.
    func reap() {
      for process in processes { _ = try? process.reap() }
    }
  }

  private func interrupted(_ stopping: Stopping) throws {
    while signals.next() != nil {
      stopping.count += 1
      switch stopping.count {
      case 1:
        project.terminal.error("Stopping gracefully; press Ctrl-C again to kill\n")
        stopping.processes.append(try stop(timeout))
      case 2:
        project.terminal.error("Killing\n")
        try killAll()
      default: break
      }
    }
  }

  private func stop(_ timeout: Int?) throws -> ProcessHandle {
    var arguments = ["stack", "stop", "-p", name]
    if let timeout { arguments += ["-t", "\(timeout)"] }
    let spawn = Spawn(
      path: "/proc/self/exe", arguments: arguments,
      environment: project.environment.map { "\($0.key)=\($0.value)" }.sorted(),
      descriptors: [0: .standardInput, 1: .standardOutput, 2: .standardError])
    var own = spawn
    // Not in the terminal's foreground group: the second Ctrl-C is this process's to act on.
    own.newSession = true
    return try ProcessHandle(pid: try own.start())
  }

  private func killAll() throws {
    for directory in containers {
      guard case .running(let run, _) = try ContainerStatus(directory).state else { continue }
      try run.process.open()?.signal(SIGKILL)
    }
  }

  private func reportExit(of status: ContainerStatus) {
    // Best effort: without a record the exit is still shown by its absence.
    guard let exit = try? status.directory.read(.exit) else {
      return project.terminal.error("\(status.displayName) was killed with its shim\n")
    }
    let reason = exit.wasOutOfMemory ? " (out of memory)" : ""
    project.terminal.error("\(status.displayName) exited with code \(exit.status.code)\(reason)\n")
  }
}
