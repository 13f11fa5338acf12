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
  var ending = Ending()

  /// When it ends before all services have, and with which code.
  struct Ending {
    enum Trigger { case none, exit, failure }

    /// What stops all services.
    var trigger = Trigger.none
    /// The service whose exit code is the command's.
    var codeFrom: String?
    /// The services that are waited for; empty is all.
    var awaited: [String] = []
  }

  /// - Parameter isShown: whether a container's output is.
  func run(isShown: (ContainerStatus) -> Bool = { _ in true }) throws {
    let all = try containers.map { try ContainerStatus($0) }
    let statuses = all.filter { isShown($0) || ending.trigger != .none }
    var output = LogOutput(style, separatesErrors: true)
    let stopping = Stopping()
    try output.follow(
      statuses, selection: .all, isShown: { isShown(statuses[$0]) },
      isAwaited: { isAwaited(statuses[$0]) },
      interruption: LogOutput.Interruption(
        descriptors: [signals.descriptor], act: { try interrupted(stopping) },
        ended: { source in ended(statuses[source], of: all, stopping) }))
    stopping.reap()
    if stopping.count > 0 { throw ExitCode(130) }
    let code = try exitCode(all) ?? stopping.code ?? 0
    if code != 0 { throw ExitCode(code) }
  }

  private func isAwaited(_ status: ContainerStatus) -> Bool {
    status.record?.isOneOff == false
      && (ending.awaited.isEmpty || ending.awaited.contains(status.record?.service ?? ""))
  }

  private func exitCode(_ statuses: [ContainerStatus]) throws -> Int32? {
    guard let name = ending.codeFrom,
      let status = statuses.first(where: { $0.record?.service == name && $0.record?.isOneOff == false })
    else {
      return nil
    }
    return try status.directory.read(.exit)?.status.code ?? 137
  }

  private func ended(_ status: ContainerStatus, of statuses: [ContainerStatus], _ stopping: Stopping) {
    // That a step before a start has ended was shown at the start.
    if status.record?.isOneOff == true { return }
    reportExit(of: status)
    let code = (try? status.directory.read(.exit))?.status.code ?? 137
    let stops =
      switch ending.trigger {
      case .none: false
      case .exit: true
      case .failure: code != 0
      }
    guard stops, stopping.processes.isEmpty, stopping.count == 0 else { return }
    stopping.code = code
    project.terminal.error("Aborting on container exit...\n")
    do {
      stopping.processes.append(try stop(timeout, Set(statuses.compactMap { $0.record?.service })))
    } catch {
      project.terminal.error("stack: \(error)\n")
    }
  }

  private final class Stopping {
    var count = 0
    /// Of the container whose end stopped the others.
    var code: Int32?
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
        stopping.processes.append(try stop(timeout, own))
      case 2:
        project.terminal.error("Killing\n")
        try killAll()
      default: break
      }
    }
  }

  /// The services that end with this command: those that are named, and what these need runs on.
  private var own: Set<String> {
    // What cannot be read is being removed.
    let all = containers.compactMap { try? $0.read(.record) }.filter { !$0.isOneOff }.map(\.service)
    return Set(ending.awaited.isEmpty ? all : ending.awaited)
  }

  private func stop(_ timeout: Int?, _ services: Set<String>) throws -> ProcessHandle {
    // Lines of the services are being shown, which others must not be drawn over.
    let progress = project.progress == .tty ? .plain : project.progress
    var arguments = ["stack", "--progress", progress.rawValue, "stop", "-p", name]
    if let timeout { arguments += ["-t", "\(timeout)"] }
    arguments += services.sorted()
    var spawn = Spawn(
      path: "/proc/self/exe", arguments: arguments,
      environment: project.environment.map { "\($0.key)=\($0.value)" }.sorted(),
      descriptors: [0: .standardInput, 1: .standardOutput, 2: .standardError])
    // Not in the terminal's foreground group: the second Ctrl-C is this process's to act on.
    spawn.newSession = true
    return try ProcessHandle(pid: try spawn.start())
  }

  private func killAll() throws {
    let own = own
    for status in try containers.map({ try ContainerStatus($0) }) {
      guard case .running(let run, _) = status.state, own.contains(status.record?.service ?? "") else { continue }
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
