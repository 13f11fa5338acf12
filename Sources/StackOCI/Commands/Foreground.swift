import Glibc
import IsolationEngine
import LinuxSystem
import SystemPackage

/// A command that stays with a process until it ends: passes signals on, and carries its terminal.
struct Foreground {
  let process: ProcessHandle
  let terminal: SharedDescriptor?

  private static let unforwarded: Set<CInt> = [SIGKILL, SIGSTOP, SIGCHLD, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGURG]

  /// - Parameter readiness: what the process says of being ready, if somebody is to be told.
  func wait(_ readiness: Readiness? = nil) throws -> ExitStatus {
    let signals = try SignalDescriptor((1...31).filter { !Self.unforwarded.contains($0) })
    // A command without a terminal of its own has no mode to change.
    let mode = terminal == nil ? nil : try? TerminalMode.raw(FileDescriptor(rawValue: 0), keepsOutput: true)
    defer { mode?.restore() }
    if let terminal { TerminalMode.copySize(from: FileDescriptor(rawValue: 0), to: terminal.borrowed) }
    var hasInput = terminal != nil
    while true {
      var watched = [process.descriptor, signals.descriptor]
      if let terminal { watched.append(terminal.borrowed) }
      if hasInput { watched.append(FileDescriptor(rawValue: 0)) }
      if let readiness { watched.append(readiness.socket.borrowed) }
      let ready = try Polling.readable(watched)
      if let readiness, ready.last == true { _ = readiness.pass() }
      while let signal = signals.next() { try pass(signal) }
      if let terminal {
        if ready[2] { Self.copyOutput(terminal.borrowed) }
        if hasInput && ready[3] { hasInput = try copyInput(to: terminal.borrowed) }
      }
      if ready[0] {
        // What was written last is still to be read.
        if let terminal { Self.drain(terminal.borrowed) }
        return try process.reap()
      }
    }
  }

  private func pass(_ signal: CInt) throws {
    if signal == SIGWINCH, let terminal {
      TerminalMode.copySize(from: FileDescriptor(rawValue: 0), to: terminal.borrowed)
    } else {
      try process.signal(signal)
    }
  }

  /// - Returns: false when there is nothing to read now, or any more.
  @discardableResult
  private static func copyOutput(_ terminal: FileDescriptor) -> Bool {
    guard (try? Polling.readable([terminal], milliseconds: 0)[0]) == true,
      let bytes = try? Files.readOnce(terminal, limit: 16 << 10), !bytes.isEmpty
    else { return false }
    return (try? Files.writeAll(FileDescriptor(rawValue: 1), bytes)) != nil
  }

  /// Passes on what there is to read.
  static func drain(_ terminal: FileDescriptor) { while copyOutput(terminal) {} }

  private func copyInput(to terminal: FileDescriptor) throws -> Bool {
    let bytes = try Files.readOnce(FileDescriptor(rawValue: 0), limit: 16 << 10)
    if bytes.isEmpty { return false }
    try Files.writeAll(terminal, bytes)
    return true
  }
}
