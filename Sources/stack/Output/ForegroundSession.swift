import Glibc
import LinuxSystem
import StackEngine
import StackStore
import SystemPackage

/// A container in the foreground, as long as its command runs: its terminal is the caller's, or it has the caller's streams.
struct ForegroundSession {
  let container: OneOffContainer
  let signals: SignalDescriptor

  /// - Returns: the command's exit code, 128 + n for signal n.
  func run() throws -> Int32 {
    let shim = try container.directory.read(.run)?.shim.open()
    if let terminal = container.terminal {
      try relay(terminal.borrowed, until: shim)
    } else {
      try waitForEnd(of: shim)
    }
    // The record is written before the shim ends.
    return try container.directory.read(.exit)?.status.code ?? 137
  }

  /// Signals are the command's: it decides what becomes of them.
  private func passSignals() throws {
    while let signal = signals.next() {
      guard signal != SIGWINCH, let run = try container.directory.read(.state) else { continue }
      try run.process.open()?.signal(signal)
    }
  }

  private func waitForEnd(of shim: ProcessHandle?) throws {
    guard let shim else { return }
    while !shim.hasEnded {
      _ = try Polling.readable([shim.descriptor, signals.descriptor])
      try passSignals()
    }
  }

  private func relay(_ terminal: FileDescriptor, until shim: ProcessHandle?) throws {
    let mode = try TerminalMode.raw(.standardInput)
    defer { mode.restore() }
    TerminalMode.copySize(from: .standardInput, to: terminal)
    try TerminalRelay(terminal: terminal, signals: signals) {
      TerminalMode.copySize(from: .standardInput, to: terminal)
    }
    .run(until: shim)
    while let shim, !shim.hasEnded { _ = try Polling.readable([shim.descriptor]) }
  }
}

/// Carries bytes between the user's terminal and another one.
struct TerminalRelay {
  let terminal: FileDescriptor
  let signals: SignalDescriptor
  /// Called when a signal came, which is SIGWINCH: in raw mode the keyboard makes none.
  let signalled: () -> Void

  /// Goes on until `process` has ended and all that it wrote was shown.
  func run(until process: ProcessHandle?) throws {
    var inputIsOpen = true
    while true {
      let hasEnded = process?.hasEnded ?? false
      let watched =
        [terminal, signals.descriptor] + (process.map { [$0.descriptor] } ?? [])
        + (inputIsOpen ? [FileDescriptor.standardInput] : [])
      let ready = try Polling.readable(watched, milliseconds: hasEnded ? 0 : -1)
      while signals.next() != nil { signalled() }
      if ready[0] {
        // The end of a terminal reads as EIO (ioctl_tty(2)).
        guard let bytes = try? Files.readOnce(terminal, limit: 64 << 10), !bytes.isEmpty else { return }
        try Files.writeAll(.standardOutput, bytes)
      } else if hasEnded {
        return
      }
      if inputIsOpen, ready.last == true, watched.last == .standardInput {
        let bytes = try Files.readOnce(.standardInput, limit: 64 << 10)
        if bytes.isEmpty { inputIsOpen = false } else { try Files.writeAll(terminal, bytes) }
      }
    }
  }
}
