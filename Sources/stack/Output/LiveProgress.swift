import LinuxSystem
import StackEngine
import StackStore
import SystemPackage

/// Progress on a terminal: one line a container, which is drawn anew when something is new. No clock: nothing is drawn while
/// nothing happens.
///
/// What does not fit on the screen is shown as plain lines.
final class LiveProgress: ProgressObserver {
  private struct Line {
    var words: String
    var tone: Tone
  }

  private enum Tone {
    case waiting, done, failed

    /// SGR (console_codes(4)).
    var colour: String {
      switch self {
      case .waiting: "33"
      case .done: "32"
      case .failed: "31"
      }
    }
  }

  private let terminal: TerminalOutput
  private let plain: ProgressLines
  private let size: (rows: Int, columns: Int)
  private var names: [String] = []
  private var lines: [String: Line] = [:]
  private var progress = StartProgress()
  private var isPlain = false
  /// So many lines are on the screen, the cursor below them.
  private var drawn = 0

  init(_ terminal: TerminalOutput) {
    self.terminal = terminal
    plain = ProgressLines(terminal: terminal)
    size = TerminalMode.size(of: .standardError) ?? (24, 80)
  }

  func planned(_ containers: () -> [PlannedContainer]) {
    progress.plan(containers())
    if names.count + progress.planned.count > size.rows - 2 {
      isPlain = true
      return
    }
    for container in progress.planned where !names.contains(container.name) { names.append(container.name) }
    for container in progress.planned where lines[container.name] == nil { showWaiting(container) }
    redraw()
  }

  func report(_ event: ProgressEvent) {
    progress.take(event)
    if isPlain { return plain.report(event) }
    switch event.phase {
    case .hindered: return message(event)
    default: break
    }
    guard let line = line(for: event) else { return }
    let name = event.kind == .container ? event.name : "\(event.kind) \(event.name)"
    if !names.contains(name) {
      if names.count + 1 > size.rows - 2 {
        isPlain = true
        return plain.report(event)
      }
      names.append(name)
    }
    lines[name] = line
    for container in progress.planned
    where progress[container.name].starting == nil && lines[container.name]?.tone == .waiting { showWaiting(container) }
    redraw()
  }

  /// The lines stay as they are: what comes is written below them.
  func failed(_ error: EngineError, _ containers: [ContainerStatus], dependents: [String: [String]]) {
    names = []
    lines = [:]
    progress = StartProgress()
    drawn = 0
  }

  private func showWaiting(_ container: PlannedContainer) {
    let needs = progress.openNeeds(of: container)
    let words = needs.isEmpty ? "creating" : "waiting for " + needs.map(\.words).joined(separator: ", ")
    lines[container.name] = Line(words: words, tone: .waiting)
  }

  private func line(for event: ProgressEvent) -> Line? {
    let detail = event.detail.map { ": \($0)" } ?? ""
    let since = progress[event.name].starting.map { " in \((event.time - min($0, event.time)) / 1_000_000) ms" } ?? ""
    switch event.phase {
    case .creating, .starting, .stopping: return Line(words: event.phase.rawValue, tone: .waiting)
    case .started where progress.container(event.name)?.awaitsHealth == true:
      return Line(words: "started\(since), not yet ready", tone: .waiting)
    case .healthy: return Line(words: "ready\(since)", tone: .done)
    case .started, .completed: return Line(words: "\(event.phase.rawValue)\(since)", tone: .done)
    case .running where progress.container(event.name)?.awaitsHealth == true:
      return Line(words: "running, not yet known to be ready", tone: .waiting)
    case .created, .running, .stopped, .removed, .paused, .unpaused:
      return Line(words: event.phase.rawValue, tone: .done)
    case .killed: return Line(words: "killed\(detail)", tone: .waiting)
    case .failed, .skipped: return Line(words: "\(event.phase.rawValue)\(detail)", tone: .failed)
    case .hindered: return nil
    }
  }

  // MARK: The screen

  private func message(_ event: ProgressEvent) {
    erase()
    plain.report(event)
    redraw()
  }

  private func erase() {
    if drawn > 0 { terminal.error("\u{1B}[\(drawn)A\r\u{1B}[J") }
    drawn = 0
  }

  private func redraw() {
    let width = names.map(\.count).max() ?? 0
    var text = drawn > 0 ? "\u{1B}[\(drawn)A\r" : ""
    for name in names {
      guard let line = lines[name] else { continue }
      // A line that is broken into two would not be found again.
      let padded = (" " + name + String(repeating: " ", count: width - name.count)).prefix(size.columns - 1)
      let words = ("  " + line.words).prefix(max(0, size.columns - 1 - padded.count))
      let shown = terminal.usesColourOnError ? "\u{1B}[\(line.tone.colour)m\(words)\u{1B}[0m" : String(words)
      text += "\(padded)\(shown)\u{1B}[K\n"
    }
    drawn = names.count { lines[$0] != nil }
    terminal.error(text)
  }
}
