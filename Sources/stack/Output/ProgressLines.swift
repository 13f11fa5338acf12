import LinuxSystem
import StackEngine
import StackStore

/// Progress as plain lines on standard error: one for each thing that has reached a state that lasts.
struct ProgressLines: ProgressObserver {
  let terminal: TerminalOutput

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
    case .completed: "completed"
    case .stopped: "stopped"
    case .killed: "killed"
    case .removed: "removed"
    case .failed: "failed"
    case .skipped: "skipped"
    case .paused: "paused"
    case .unpaused: "unpaused"
    case .hindered: "warning"
    }
  }

  private func milliseconds(_ nanoseconds: UInt64) -> String { "\(nanoseconds / 1_000_000) ms" }
}
