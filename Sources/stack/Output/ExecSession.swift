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
    try TerminalRelay(terminal: master.borrowed, signals: signals) {
      TerminalMode.copySize(from: .standardInput, to: master.borrowed)
    }.run(until: process)
    return try process.reap().code
  }
}
