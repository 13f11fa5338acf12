import ArgumentParser
import JSONDocument
import LinuxSystem
import StackEngine
import StackModel

/// Where the time of a start went: for `up --timings`.
final class Timings: ProgressObserver {
  private var progress = StartProgress()
  private var events: [ProgressEvent] = []

  func planned(_ containers: () -> [PlannedContainer]) { progress.plan(containers()) }

  func report(_ event: ProgressEvent) {
    progress.take(event)
    events.append(event)
  }

  // MARK: The critical path

  private struct Step {
    let container: PlannedContainer
    /// What it waited for last; nil when it could start at once.
    let need: PlannedContainer.Need?
  }

  /// From the container that was there last back to one that waited for nobody, the latter first.
  private var criticalPath: [Step] {
    var steps: [Step] = []
    var next = progress.planned.filter { progress[$0.name].starting != nil }
      .max { progress.end(of: $0) ?? 0 < progress.end(of: $1) ?? 0 }
    while let container = next {
      // What was there before the operation began held nobody up.
      let need = container.needs.filter { progress[$0.container].starting != nil }
        .max { progress.met($0) ?? 0 < progress.met($1) ?? 0 }
      steps.append(Step(container: container, need: need))
      next = need.flatMap { progress.container($0.container) }
    }
    return steps.reversed()
  }

  /// The critical path in words: what made the start as long as it was.
  var text: String {
    let path = criticalPath
    guard let last = path.last, let end = progress.end(of: last.container) else { return "" }
    let width = path.map(\.container.name.count).max() ?? 0
    return "critical path, \(Self.milliseconds(end)):\n"
      + path.map { step in
        let name = step.container.name
        let times = progress[name]
        var line = " \(name + String(repeating: " ", count: width - name.count))  "
        line += "begun at \(Self.milliseconds(times.starting ?? 0))"
        if let need = step.need { line += " (waited for \(need.words))" }
        if let started = times.started { line += ", started after \(Self.span(times.starting, started))" }
        if let healthy = times.healthy { line += ", ready \(Self.span(times.started, healthy)) later" }
        if let completed = times.completed { line += ", completed \(Self.span(times.started, completed)) later" }
        return line + "\n"
      }.joined()
  }

  private static func milliseconds(_ time: UInt64) -> String {
    "\(time / 1_000_000).\(time / 100_000 % 10) ms"
  }

  private static func span(_ from: UInt64?, _ to: UInt64) -> String { milliseconds(to - min(from ?? to, to)) }

  // MARK: The trace

  /// All of it in Chrome's trace event format, which chrome://tracing and ui.perfetto.dev show: a row a container.
  var trace: JSON {
    var records: [JSON] = []
    func name(_ row: Int, _ name: String) {
      records.append(
        .members([
          ("ph", .string("M")), ("name", .string("thread_name")), ("pid", .integer(1)), ("tid", .integer(Int64(row))),
          ("args", .members([("name", .string(name))])),
        ]))
    }
    func span(_ row: Int, _ name: String, _ from: UInt64?, _ to: UInt64?) {
      guard let from, let to, to >= from else { return }
      records.append(
        .members([
          ("ph", .string("X")), ("name", .string(name)), ("pid", .integer(1)), ("tid", .integer(Int64(row))),
          ("ts", .integer(Int64(from / 1000))), ("dur", .integer(Int64((to - from) / 1000))),
        ]))
    }
    name(0, "stack")
    for event in events where event.kind != .container || event.phase == .failed {
      records.append(
        .members([
          ("ph", .string("i")), ("s", .string("g")), ("name", .string("\(event.kind) \(event.name) \(event.phase)")),
          ("pid", .integer(1)), ("tid", .integer(0)), ("ts", .integer(Int64(event.time / 1000))),
        ]))
    }
    for (index, container) in progress.planned.enumerated() {
      let times = progress[container.name]
      name(index + 1, container.name)
      if !container.needs.isEmpty { span(index + 1, "waiting", 0, times.starting) }
      span(index + 1, "starting", times.starting, times.started)
      span(index + 1, times.completed == nil ? "until ready" : "running", times.started, times.ready)
    }
    return .members([("traceEvents", .array(records)), ("displayTimeUnit", .string("ms"))])
  }
}

/// Whether it is told where the time goes.
struct TimingsOptions: ParsableArguments {
  @Flag(help: "Print what took how long on the way to the last service, and write it all to a file.") var timings =
    false
  @Option(help: "That file, in Chrome's trace format.") var timingsFile = "stack-timings.json"

  /// Starts a stack, and tells.
  func taken<Result>(_ project: Project, _ start: (Timings?) throws -> Result) throws -> Result {
    let taken = timings ? Timings() : nil
    let result = Swift.Result { try start(taken) }
    // Also of a start that failed: it may have taken too long.
    if let taken {
      project.terminal.error(taken.text)
      try Files.replace(timingsFile, with: Array((taken.trace.text() + "\n").utf8), mode: 0o644)
    }
    return try result.get()
  }
}
