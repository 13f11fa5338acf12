import Glibc
import LinuxSystem
import StackStore
import SystemPackage

/// Why a session in the foreground is over.
enum SessionEnd: Equatable {
  /// What ran has ended.
  case ended
  /// The user has left with the detach keys.
  case detached
  /// The user's terminal is gone, or this command was asked to end.
  case signalled(CInt)
}

/// The terminal of the person who called, while it is another one's: every key goes there, and its size with it.
///
/// The mode is put back however the session ends; only SIGKILL leaves no time for that.
final class UserTerminal {
  /// What it takes to leave it in order, and what job control needs.
  static let signals = [SIGWINCH, SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGTSTP, SIGCONT]

  private let other: FileDescriptor
  private let signals: SignalDescriptor
  private var keys: DetachKeys
  private var mode: TerminalMode?
  private(set) var isOpen = true

  /// - Parameter other: the terminal that is driven.
  init(driving other: FileDescriptor, signals: SignalDescriptor, keys: DetachKeys) throws(SystemCallError) {
    self.other = other
    self.signals = signals
    self.keys = keys
    mode = try TerminalMode.raw(.standardInput)
    copySize()
  }

  deinit { restore() }

  func restore() {
    mode?.restore()
    mode = nil
  }

  private func copySize() { TerminalMode.copySize(from: .standardInput, to: other) }

  /// What to wait for.
  var descriptors: [FileDescriptor] { [signals.descriptor] + (isOpen ? [.standardInput] : []) }

  /// Acts on the signals that came and, if there is some, on what was typed.
  /// - Parameter ready: for each of `descriptors`.
  func act(_ ready: ArraySlice<Bool>) throws -> SessionEnd? {
    while let signal = signals.next() {
      switch signal {
      case SIGWINCH: copySize()
      case SIGTSTP: try suspend()
      case SIGCONT: break
      default: return .signalled(signal)
      }
    }
    guard isOpen, ready.count > 1, ready.last == true else { return nil }
    // A terminal that has gone away reads as EIO, or as its end (tty_ioctl(4), hangup).
    guard let typed = try? Files.readOnce(.standardInput, limit: 4096), !typed.isEmpty else {
      isOpen = false
      return .signalled(SIGHUP)
    }
    // Keys come after what the terminal was told before them: a size is never late.
    let (passed, isComplete) = keys.type(typed)
    // What has ended takes no keys.
    try? Files.writeAll(other, passed)
    return isComplete ? .detached : nil
  }

  /// Stops this process as its shell expects; when it goes on, the terminal is taken again, of whatever size it is by then.
  private func suspend() throws(SystemCallError) {
    restore()
    try checkedErrno("kill", kill(getpid(), SIGSTOP))
    mode = try TerminalMode.raw(.standardInput)
    copySize()
  }
}

/// Carries bytes between the user's terminal and that of a process of a container.
struct TerminalRelay {
  let terminal: FileDescriptor
  let user: UserTerminal

  /// Goes on until `process` has ended and all that it wrote was shown, or the user leaves.
  func run(until process: ProcessHandle?) throws -> SessionEnd {
    while true {
      let hasEnded = process?.hasEnded ?? false
      let others = [terminal] + (process.map { [$0.descriptor] } ?? [])
      let ready = try Polling.readable(others + user.descriptors, milliseconds: hasEnded ? 0 : -1)
      if let end = try user.act(ready[others.count...]) { return end }
      if ready[0] {
        // The end of a terminal reads as EIO (ioctl_tty(2)).
        guard let bytes = try? Files.readOnce(terminal, limit: 64 << 10), !bytes.isEmpty else { return .ended }
        try? Files.writeAll(.standardOutput, bytes)
      } else if hasEnded {
        return .ended
      }
    }
  }
}

/// A process that stays behind when the user has left.
enum Keeper {
  /// - Parameters:
  ///   - terminal: that of what runs, which is kept from hanging up.
  ///   - afterwards: what to do when the process has ended.
  static func leave(
    _ terminal: FileDescriptor?, until process: ProcessHandle?, afterwards: () -> Void = {}
  ) throws {
    guard try ClonedProcess.clone(0) == nil else { return }
    setsid()
    // Best effort: where it wrote, nobody reads any more.
    if let null = try? Files.open("/dev/null", O_RDWR) {
      for number: CInt in 0...2 { dup2(null.borrowed.rawValue, number) }
    }
    while let terminal, !(process?.hasEnded ?? true) {
      let ready = (try? Polling.readable([terminal] + (process.map { [$0.descriptor] } ?? []))) ?? []
      if ready.first == true, (try? Files.readOnce(terminal, limit: 64 << 10).isEmpty) ?? true { break }
    }
    _ = process?.waitForEnd(milliseconds: -1)
    afterwards()
    _exit(0)
  }
}
