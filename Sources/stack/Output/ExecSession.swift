import Glibc
import IsolationEngine
import LinuxSystem
import SystemPackage

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
    guard exec.process.hasTerminal else {
      let process = try exec.start(.init(input: .standardInput, output: .standardOutput, error: .standardError))
      return try process.reap().code
    }
    let (master, slave) = try exec.openTerminal()
    let mode = try TerminalMode.raw(.standardInput)
    defer { mode.restore() }
    let signals = try SignalDescriptor([SIGWINCH])
    TerminalMode.copySize(from: .standardInput, to: master.borrowed)
    let process = try exec.start(.init(input: slave.borrowed, output: slave.borrowed, error: slave.borrowed))
    slave.close()
    try relay(master.borrowed, process: process, signals: signals)
    return try process.reap().code
  }

  /// Carries bytes between the user's terminal and the container's, until the command has ended and all was shown.
  private func relay(_ master: FileDescriptor, process: ProcessHandle, signals: SignalDescriptor) throws {
    var inputIsOpen = true
    while true {
      let hasEnded = process.hasEnded
      let watched = [master, signals.descriptor, process.descriptor] + (inputIsOpen ? [.standardInput] : [])
      let ready = try Polling.readable(watched, milliseconds: hasEnded ? 0 : -1)
      while signals.next() != nil { TerminalMode.copySize(from: .standardInput, to: master) }
      if ready[0] {
        // The end of a terminal reads as EIO (ioctl_tty(2)).
        guard let bytes = try? Files.readOnce(master, limit: 64 << 10), !bytes.isEmpty else { return }
        try Files.writeAll(.standardOutput, bytes)
      } else if hasEnded {
        return
      }
      if inputIsOpen, ready.count > 3, ready[3] {
        let bytes = try Files.readOnce(.standardInput, limit: 64 << 10)
        if bytes.isEmpty { inputIsOpen = false } else { try Files.writeAll(master, bytes) }
      }
    }
  }
}
