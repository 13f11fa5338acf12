import Glibc
import IsolationEngine
import LinuxSystem
import StackEngine
import StackStore
import SystemPackage

/// A container in the foreground, as long as its command runs: its terminal is the caller's, or it has the caller's streams.
///
/// It does not outlive its caller's terminal: when that is closed, or this command asked to end, the container is stopped.
struct ForegroundSession {
  let container: OneOffContainer
  let engine: Engine
  let project: String
  let signals: SignalDescriptor
  let isRemoved: Bool

  /// - Returns: the command's exit code, 128 + n for signal n.
  func run() throws -> Int32 {
    let shim = try container.directory.read(.run)?.shim.open()
    let end: SessionEnd
    do {
      end = try show(until: shim)
    } catch let error as SystemCallError where error.errno == .ioError {
      // The terminal was closed while the container was being started.
      end = .signalled(SIGHUP)
    } catch {
      // Best effort: the failure to report is the first one.
      try? engine.stop(oneOff: container.directory, of: project)
      if isRemoved { try? engine.remove(oneOff: container.directory, of: project) }
      throw error
    }
    var code: Int32?
    switch end {
    case .detached:
      guard let terminal = container.terminal else { return 0 }
      try Keeper.leave(terminal.borrowed, until: shim) { [engine, project, container, isRemoved] in
        // Best effort: `down` removes it too.
        if isRemoved { try? engine.remove(oneOff: container.directory, of: project) }
      }
      return 0
    case .signalled(let signal):
      try engine.stop(oneOff: container.directory, of: project)
      code = 128 + signal
    case .ended:
      _ = shim?.waitForEnd(milliseconds: -1)
    }
    // The record is written before the shim ends.
    let own = try container.directory.read(.exit)?.status.code ?? 137
    if isRemoved { try engine.remove(oneOff: container.directory, of: project) }
    return code ?? own
  }

  private func show(until shim: ProcessHandle?) throws -> SessionEnd {
    guard let terminal = container.terminal else { return try wait(for: shim) }
    let user = try UserTerminal(driving: terminal.borrowed, signals: signals, keys: .standard)
    let end = try TerminalRelay(terminal: terminal.borrowed, user: user).run(until: shim)
    user.restore()
    return end
  }

  /// Signals are the command's: it decides what becomes of them. One that it does not handle, and that would therefore not reach
  /// a PID 1, stops the container, and so does the end of the terminal.
  private func wait(for shim: ProcessHandle?) throws -> SessionEnd {
    guard let shim else { return .ended }
    while !shim.hasEnded {
      _ = try Polling.readable([shim.descriptor, signals.descriptor])
      while let signal = signals.next() {
        guard let run = try container.directory.read(.state) else { continue }
        if signal == SIGHUP || !run.process.catches(signal) { return .signalled(signal) }
        try run.process.open()?.signal(signal)
      }
    }
    return .ended
  }
}

/// A command that is executed in a container, as long as it runs.
struct ExecSession {
  let exec: ContainerExec
  let isDetached: Bool

  /// - Returns: the command's exit code, 128 + n for signal n; 0 at once when detached.
  func run() throws -> Int32 {
    if isDetached {
      let null = try Files.open("/dev/null", O_RDWR)
      _ = try exec.start(.init(input: null.borrowed, output: null.borrowed, error: null.borrowed))
      return 0
    }
    guard exec.process.hasTerminal else { return try runOnStreams() }
    let (master, slave) = try exec.openTerminal()
    let signals = try SignalDescriptor(UserTerminal.signals)
    let user = try UserTerminal(driving: master.borrowed, signals: signals, keys: .standard)
    defer { user.restore() }
    let process = try exec.start(.init(input: slave.borrowed, output: slave.borrowed, error: slave.borrowed))
    slave.close()
    switch try TerminalRelay(terminal: master.borrowed, user: user).run(until: process) {
    case .ended: return try process.reap().code
    case .detached:
      try Keeper.leave(master.borrowed, until: process)
      return 0
    case .signalled(let signal):
      // Its terminal hangs up with this process.
      try process.signal(signal)
      return 128 + signal
    }
  }

  /// What this command is sent, is sent to what it runs.
  private func runOnStreams() throws -> Int32 {
    let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGQUIT, SIGHUP])
    let process = try exec.start(.init(input: .standardInput, output: .standardOutput, error: .standardError))
    while !process.hasEnded {
      _ = try Polling.readable([process.descriptor, signals.descriptor])
      while let signal = signals.next() { try process.signal(signal) }
    }
    return try process.reap().code
  }
}
