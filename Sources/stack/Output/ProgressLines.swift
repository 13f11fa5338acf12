import LinuxSystem
import StackEngine
import StackStore

/// Progress as plain lines on standard error, in docker compose's words: one for each thing that has reached a state that
/// lasts.
struct ProgressLines: ProgressObserver {
  let terminal: TerminalOutput

  func report(_ event: ProgressEvent) {
    switch event.phase {
    case .creating, .starting, .stopping: return
    default: break
    }
    let detail = event.detail.map { ": \($0)" } ?? ""
    terminal.error(" \(event.subject) \(event.status)\(detail) (\(event.time / 1_000_000) ms)\n")
  }
}

extension ProgressEvent {
  /// `Container web-db-1`
  var subject: String { "\(kind.rawValue.capitalised) \(name)" }

  /// `Started`
  var status: String { phase == .hindered ? "Warning" : phase.rawValue.capitalised }
}

extension String {
  fileprivate var capitalised: String { prefix(1).uppercased() + dropFirst() }
}
