import Glibc
import LinuxSystem
import StackEngine
import StackLogs
import StackStore
import SystemPackage

/// A running container whose output is shown as it comes, and whose input, where it keeps one open, is the caller's.
struct AttachSession {
  let container: ContainerStatus
  let run: RunRecord
  let hasTerminal: Bool
  let input: SharedDescriptor?
  let keys: DetachKeys
  let passesSignals: Bool

  /// - Returns: the container's exit code; 0 when the user has left.
  func follow() throws -> Int32 {
    try Files.makeDirectories(container.directory.logs)
    let output = try ChunkFollower(directory: container.directory.logs)
    let shim = try run.shim.open()
    let end: SessionEnd
    if hasTerminal, let input, isatty(0) == 1 {
      let signals = try SignalDescriptor(UserTerminal.signals)
      let user = try UserTerminal(driving: input.borrowed, signals: signals, keys: keys)
      defer { user.restore() }
      end = try follow(output, shim, user)
    } else {
      end = try follow(output, shim)
    }
    switch end {
    case .ended: return try container.directory.read(.exit)?.status.code ?? 137
    case .detached: return 0
    case .signalled(let signal): return 128 + signal
    }
  }

  private func follow(_ output: ChunkFollower, _ shim: ProcessHandle?, _ user: UserTerminal) throws -> SessionEnd {
    while true {
      let hasEnded = shim?.hasEnded ?? true
      try show(output)
      if hasEnded { return .ended }
      let others = [output.descriptor] + (shim.map { [$0.descriptor] } ?? [])
      let ready = try Polling.readable(others + user.descriptors)
      if let end = try user.act(ready[others.count...]) { return end }
    }
  }

  private func follow(_ output: ChunkFollower, _ shim: ProcessHandle?) throws -> SessionEnd {
    let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGQUIT, SIGHUP])
    var source: FileDescriptor? = input == nil ? nil : .standardInput
    while true {
      let hasEnded = shim?.hasEnded ?? true
      try show(output)
      if hasEnded { return .ended }
      let others = [output.descriptor, signals.descriptor] + (shim.map { [$0.descriptor] } ?? [])
      let ready = try Polling.readable(others + (source.map { [$0] } ?? []))
      while let signal = signals.next() {
        guard passesSignals, signal != SIGHUP else { return .signalled(signal) }
        // A PID 1 that does not handle it never sees it: then only this command ends.
        guard run.process.catches(signal) else { return .signalled(signal) }
        try run.process.open()?.signal(signal)
      }
      if source != nil, ready.last == true, let input {
        let bytes = try Files.readOnce(.standardInput, limit: 64 << 10)
        // The container's input stays open for who attaches next.
        if bytes.isEmpty { source = nil } else { try Files.writeAll(input.borrowed, bytes) }
      }
    }
  }

  private func show(_ output: ChunkFollower) throws {
    try output.chunks { chunk in
      try Files.writeAll(chunk.isError ? .standardError : .standardOutput, chunk.bytes)
    }
  }
}
