import LinuxSystem
import StackEngine

/// Progress as plain lines on standard error: one for each thing that has reached a state that lasts.
struct ProgressLines: ProgressObserver {
  private let terminal: TerminalOutput

  init(_ terminal: TerminalOutput) {
    self.terminal = terminal
  }

  func report(_ event: ProgressEvent) {
    guard let words = words(for: event.phase) else { return }
    let detail = event.detail.map { ": \($0)" } ?? ""
    terminal.error(" \(event.kind) \(event.name)  \(words)\(detail) (\(milliseconds(event.time)))\n")
  }

  private func words(for phase: ProgressEvent.Phase) -> String? {
    switch phase {
    case .creating, .starting, .stopping: nil
    case .created: "created"
    case .started: "started"
    case .running: "running"
    case .healthy: "healthy"
    case .stopped: "stopped"
    case .killed: "killed"
    case .removed: "removed"
    case .failed: "failed"
    case .skipped: "skipped"
    case .noticed: "has"
    case .paused: "paused"
    case .unpaused: "unpaused"
    }
  }

  private func milliseconds(_ nanoseconds: UInt64) -> String { "\(nanoseconds / 1_000_000) ms" }
}
