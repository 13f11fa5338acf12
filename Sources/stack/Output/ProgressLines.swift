import LinuxSystem
import StackEngine
import StackStore

/// Progress as plain lines on standard error: one for each thing that has reached a state that lasts.
struct ProgressLines: ProgressObserver {
  private let terminal: TerminalOutput
  private let environment: [String: String]
  /// Where the report of a failure is written too.
  private let reportDirectory: String?

  init(_ terminal: TerminalOutput, environment: [String: String], reportDirectory: String? = nil) {
    self.terminal = terminal
    self.reportDirectory = reportDirectory
    self.environment = environment
  }

  /// What a person needs to see before it is taken back.
  func failed(_ error: EngineError, _ containers: [ContainerStatus]) {
    let report = FailureReport(containers, suspects: Set(error.problems.compactMap(\.subject)))
    terminal.error(report.text)
    if environment["GITHUB_ACTIONS"] == "true" { terminal.write(report.annotations) }
    if let directory = reportDirectory {
      do {
        try report.write(to: directory, containers)
      } catch {
        terminal.error("stack: the report cannot be written: \(error)\n")
      }
    }
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
    case .hindered: "warning"
    }
  }

  private func milliseconds(_ nanoseconds: UInt64) -> String { "\(nanoseconds / 1_000_000) ms" }
}
