import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// A small init for containers whose program is not made to be PID 1: passes signals on and reaps orphans (`init: true`).
///
/// It has the identity, capabilities and filter of the container's process, and nothing open but the three streams.
struct InitProcess {
  let channel: FileDescriptor

  /// Starts the program as a child and stays as PID 1 until it has ended, whose status becomes PID 1's own.
  func run(_ setup: ProcessSetup, environment: [String]) throws(LaunchError) -> Never {
    let signals = try attempt("block signals") {
      try SignalDescriptor((1...31).filter { ![SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGILL, SIGFPE].contains($0) })
    }
    // The container's filter is in force: the usual profiles answer clone3(2) with ENOSYS, for its flags cannot be checked.
    let pid = try attempt("fork") { try checked("fork", stk_fork()) }
    if pid == 0 {
      // A group of its own, in the foreground of the terminal: what is typed there must not reach the program twice.
      _ = setpgid(0, 0)
      if setup.process.hasTerminal { _ = tcsetpgrp(0, getpid()) }
      try setup.execute(environment: environment)
    }
    // The child's execve(2) closes its copy; ours would keep the parent waiting.
    close(channel.rawValue)
    ProcessTitle.set("init")
    while true {
      // Best effort: an interrupted wait is made again.
      _ = try? Polling.readable([signals.descriptor])
      while let signal = signals.next() {
        if signal == SIGCHLD { reapAll(until: pid) } else { _ = kill(pid, signal) }
      }
    }
  }

  private func reapAll(until program: pid_t) {
    var status: CInt = 0
    while case let ended = unsafe waitpid(-1, &status, WNOHANG), ended > 0 {
      guard ended == program else { continue }
      // A status as the shell reports it: PID 1 cannot end by a signal that it does not handle.
      let signal = status & 0x7f
      _exit(signal == 0 ? (status >> 8) & 0xff : 128 + signal)
    }
  }
}
