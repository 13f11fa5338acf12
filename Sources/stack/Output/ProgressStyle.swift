import ArgumentParser
import Glibc
import JSONDocument
import LinuxSystem
import StackEngine
import StackStore

/// How progress is shown, on standard error (docker compose's `--progress`).
enum ProgressStyle: String, ExpressibleByArgument, CaseIterable {
  /// `tty` on a terminal, else `plain`.
  case auto
  /// One line a container, kept up to date.
  case tty
  /// One line for each thing that has reached a state that lasts.
  case plain
  /// Nothing but what stands in the way of what was asked for.
  case quiet
  /// One JSON object for each change.
  case json

  static func detected(_ environment: [String: String], ansi: ColourChoice) -> ProgressStyle {
    isatty(2) == 1 && environment["TERM"] != "dumb" && ansi != .never ? .tty : .plain
  }

  func observer(_ terminal: TerminalOutput) -> any ProgressObserver {
    switch self {
    case .auto, .plain: ProgressLines(terminal: terminal)
    case .tty: LiveProgress(terminal)
    case .quiet: QuietProgress(terminal: terminal)
    case .json: ProgressRecords(terminal: terminal)
    }
  }
}

/// What a command that changes a stack does with progress: shows it, keeps it for `--timings`, and reports a failure.
struct CommandProgress: ProgressObserver {
  let terminal: TerminalOutput
  let style: any ProgressObserver
  let timings: Timings?
  /// Whether marks for the page of a run in GitHub Actions are written.
  let annotates: Bool
  /// Where the report of a failure is written too.
  let reportDirectory: String?

  func report(_ event: ProgressEvent) {
    style.report(event)
    timings?.report(event)
  }

  func planned(_ containers: () -> [PlannedContainer]) {
    style.planned(containers)
    timings?.planned(containers)
  }

  /// What a person needs to see before it is taken back.
  func failed(_ error: EngineError, _ containers: [ContainerStatus], dependents: [String: [String]]) {
    style.failed(error, containers, dependents: dependents)
    let report = FailureReport(
      containers, suspects: Set(error.problems.compactMap(\.subject)), dependents: dependents)
    terminal.error(report.text)
    if annotates { terminal.write(report.annotations) }
    guard let reportDirectory else { return }
    do {
      try report.write(to: reportDirectory, containers)
    } catch {
      terminal.error("stack: the report cannot be written: \(error)\n")
    }
  }
}

/// Only what stands in the way of what was asked for.
struct QuietProgress: ProgressObserver {
  let terminal: TerminalOutput

  func report(_ event: ProgressEvent) {
    if event.phase == .hindered { ProgressLines(terminal: terminal).report(event) }
  }
}

/// Progress for programs: an object a line, with docker compose's members first.
struct ProgressRecords: ProgressObserver {
  let terminal: TerminalOutput

  func report(_ event: ProgressEvent) {
    var members: [(String, JSON)] = [
      ("id", .string(event.subject)), ("status", .string(event.status)),
    ]
    if let detail = event.detail { members.append(("details", .string(detail))) }
    members.append(("milliseconds", .integer(Int64(event.time / 1_000_000))))
    terminal.error(JSON.members(members).text() + "\n")
  }
}
