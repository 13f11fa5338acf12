import CLinuxShim
import Glibc
import SystemPackage

/// A process, told apart from all others until the next boot: pids are reused, a pid with its start time is not.
package struct ProcessIdentity: Hashable, Sendable, CustomStringConvertible {
  package let pid: pid_t
  /// Clock ticks between the boot and the start of the process (proc_pid_stat(5), field 22).
  package let startTime: UInt64

  package init(pid: pid_t, startTime: UInt64) {
    self.pid = pid
    self.startTime = startTime
  }

  /// The process that has `pid` now.
  package init(of pid: pid_t) throws(SystemCallError) {
    self.init(pid: pid, startTime: try Self.status(of: pid).startTime)
  }

  /// Of what proc_pid_stat(5) tells of the process that has `pid` now: its state, a letter, and its start time.
  private static func status(of pid: pid_t) throws(SystemCallError) -> (state: UInt8, startTime: UInt64) {
    let path = "/proc/\(pid)/stat"
    let text = try Files.readAll(path)
    // The second field is the command in parentheses, and may itself hold spaces and parentheses.
    guard let close = text.lastIndex(of: UInt8(ascii: ")")),
      case let fields = text[(close + 1)...].split(separator: UInt8(ascii: " "), maxSplits: 20),
      fields.count > 19, let state = fields[0].first,
      let ticks = UInt64(String(decoding: fields[19], as: UTF8.self))
    else { throw SystemCallError("read", on: path, .badMessage) }
    return (state, ticks)
  }

  package static func current() throws(SystemCallError) -> ProcessIdentity {
    try ProcessIdentity(of: stk_getpid())
  }

  /// A handle on the process if it still exists, even as a zombie; nil when it is gone or its pid is now another's.
  /// - Throws: when that cannot be found out, as without a free descriptor (`EMFILE`): the process may be there.
  package func open() throws(SystemCallError) -> ProcessHandle? {
    do throws(SystemCallError) {
      // The handle first: a process that has one does not give its pid away.
      let handle = try ProcessHandle(pid: pid)
      return try ProcessIdentity(of: pid) == self ? handle : nil
    } catch {
      if Self.meansNoProcess(error) { return nil }
      throw error
    }
  }

  private static func meansNoProcess(_ error: SystemCallError) -> Bool {
    switch error.errno {
    // The pid is nobody's: to pidfd_open(2), in /proc, and while its file there was read.
    case .noSuchProcess, .noSuchFileOrDirectory: true
    // It is that of a thread now, which pidfd_open(2) does not take.
    case .invalidArgument: true
    default: false
    }
  }

  /// Whether a signal reaches the process though it is the first of its PID namespace: it has a handler, or blocks the signal
  /// to take it with sigwait(3) or signalfd(2), as small inits do (SigCgt and SigBlk in proc_pid_status(5)). True when that
  /// cannot be told.
  package func catches(_ signal: CInt) -> Bool {
    guard let text = try? Files.text("/proc/\(pid)/status") else { return true }
    let masks = text.split(separator: "\n").filter { $0.hasPrefix("SigCgt:") || $0.hasPrefix("SigBlk:") }
      .compactMap { $0.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } }
    guard masks.count == 2 else { return true }
    return (masks[0] | masks[1]) >> UInt64(signal - 1) & 1 == 1
  }

  /// Whether the process exists and has not ended.
  /// - Throws: as `open` does.
  package var isAlive: Bool {
    get throws(SystemCallError) {
      do throws(SystemCallError) {
        let (state, startTime) = try Self.status(of: pid)
        if startTime != self.startTime { return false }
        if state != UInt8(ascii: "Z"), state != UInt8(ascii: "X") { return true }
      } catch {
        if Self.meansNoProcess(error) { return false }
        throw error
      }
      // Its first thread has ended; others may go on.
      guard let handle = try open() else { return false }
      return !handle.hasEnded
    }
  }

  package var description: String { "\(pid)@\(startTime)" }
}

extension ProcessIdentity: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(pid: try reader.value(), startTime: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(pid)
    writer.value(startTime)
  }
}

/// A pidfd (pidfd_open(2)): stays with one process, readable once it has ended.
package final class ProcessHandle {
  private let pidfd: OwnedDescriptor

  /// - Throws: `ESRCH` when there is no such process.
  package init(pid: pid_t) throws(SystemCallError) {
    pidfd = OwnedDescriptor(owning: try checked("pidfd_open", on: "\(pid)", stk_pidfd_open(pid, 0)))
  }

  package init(owning pidfd: consuming OwnedDescriptor) {
    self.pidfd = pidfd
  }

  /// A handle beside a pidfd that somebody else keeps.
  package convenience init(duplicating pidfd: FileDescriptor) throws(SystemCallError) {
    self.init(owning: try OwnedDescriptor(duplicating: pidfd))
  }

  package var descriptor: FileDescriptor { pidfd.borrowed }

  /// The pid of the process in the caller's PID namespace (/proc/PID/fdinfo, `Pid:`).
  package var pid: pid_t {
    get throws(SystemCallError) {
      let path = "/proc/self/fdinfo/\(descriptor.rawValue)"
      let line = try Files.text(path).split(separator: "\n").first { $0.hasPrefix("Pid:") }
      guard let pid = line?.split(separator: "\t").last.flatMap({ pid_t($0) }), pid > 0 else {
        throw SystemCallError("read", on: path, .noSuchProcess)
      }
      return pid
    }
  }

  /// Sends a signal; a process that has already ended is success.
  package func signal(_ signal: CInt) throws(SystemCallError) {
    do throws(SystemCallError) {
      try checked("pidfd_send_signal", stk_pidfd_send_signal(descriptor.rawValue, signal))
    } catch  where error.errno == .noSuchProcess {}
  }

  /// Whether the process has ended (a zombie has).
  package var hasEnded: Bool {
    var poll = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    return unsafe Glibc.poll(&poll, 1, 0) == 1
  }

  /// Waits until the process has ended.
  /// - Returns: false when `milliseconds` passed first; a negative number waits for ever.
  package func waitForEnd(milliseconds: Int) -> Bool {
    let deadline = milliseconds < 0 ? .max : KernelClock.monotonic + UInt64(milliseconds) * 1_000_000
    while true {
      let left = KernelClock.milliseconds(until: deadline)
      var poll = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      if unsafe Glibc.poll(&poll, 1, CInt(clamping: left)) == 1 { return true }
      if left == 0 { return false }
    }
  }

  /// Reaps a child of the calling process.
  package func reap() throws(SystemCallError) -> ExitStatus {
    var code: CInt = 0
    var status: CInt = 0
    while true {
      let pid = unsafe stk_wait_pidfd(descriptor.rawValue, 0, &code, &status)
      if pid == -EINTR { continue }
      try checked("waitid", pid)
      return code == CLD_EXITED ? .exited(status) : .signalled(status)
    }
  }
}

/// How a process ended (waitid(2)).
package enum ExitStatus: Hashable, Sendable, CustomStringConvertible {
  case exited(CInt)
  /// Killed by a signal, with or without a core dump.
  case signalled(CInt)

  /// The exit status a shell would report: 128 + n for signal n.
  package var code: CInt {
    switch self {
    case .exited(let status): status
    case .signalled(let signal): 128 + signal
    }
  }

  package var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .signalled(let signal): "signal \(SignalName.name(of: signal))"
    }
  }
}

extension ExitStatus: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    let signalled = try reader.value(Bool.self)
    let value = try reader.value(CInt.self)
    self = signalled ? .signalled(value) : .exited(value)
  }
  package func write(to writer: inout WireWriter) {
    switch self {
    case .exited(let status):
      writer.value(false)
      writer.value(status)
    case .signalled(let signal):
      writer.value(true)
      writer.value(signal)
    }
  }
}
