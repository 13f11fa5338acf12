import Glibc
import IsolationEngine
import JSONDocument
import LinuxCgroup
import LinuxSystem
import SystemPackage

extension Verb {
  static let ps = Verb(
    usage: "CONTAINER [PS-OPTIONS]", options: .init(valued: ["format"], letters: ["f": "format"], stopsAtOperand: true)
  ) { arguments, context in
    guard let id = arguments.operands.first else { throw UsageError("a container ID is needed") }
    let record = try context.states.record(of: id)
    let pids = try record.group.processes().sorted()
    switch arguments.value("format") ?? "table" {
    case "json": Output.write(JSON.array(pids.map { .integer($0) }).text() + "\n")
    case "table":
      // What comes after the container's ID are options of ps(1), of which only the choice of columns means anything here.
      let isShort = arguments.operands.dropFirst().contains { $0.drop { $0 == "-" }.contains("x") }
      Output.write(isShort ? ProcessTable.short(pids) : ProcessTable.full(pids))
    case let other: throw UsageError("unknown format \(other)")
    }
    return 0
  }

  static let list = Verb(
    usage: "", options: .init(flags: ["quiet"], valued: ["format"], letters: ["q": "quiet", "f": "format"])
  ) { arguments, context in
    let records = try context.states.ids.compactMap { try context.states.recordIfPresent(of: $0) }
    if arguments.has("quiet") {
      Output.write(records.map { "\($0.id)\n" }.joined())
      return 0
    }
    switch arguments.value("format") ?? "table" {
    case "json": Output.write(JSON.array(try records.map { try summary($0, context) }).text() + "\n")
    case "table": Output.write(try table(records, context))
    case let other: throw UsageError("unknown format \(other)")
    }
    return 0
  }

  private static func summary(_ record: ContainerRecord, _ context: Context) throws -> JSON {
    let status = try context.states.status(of: record)
    return .record([
      "ociVersion": .string(ContainerRecord.specificationVersion), "id": .string(record.id),
      "pid": .integer(status == .stopped ? 0 : record.process.pid),
      "status": .string(status.rawValue), "bundle": .string(record.bundle), "rootfs": .string(record.rootDirectory),
      "created": .string(record.created), "owner": .string(record.owner),
    ])
  }

  private static func table(_ records: [ContainerRecord], _ context: Context) throws -> String {
    var rows: [[String]] = []
    for record in records {
      let status = try context.states.status(of: record)
      rows.append([
        record.id, "\(status == .stopped ? 0 : record.process.pid)", status.rawValue, record.bundle, record.created,
        record.owner,
      ])
    }
    return Table(["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], rows).text
  }

  static let events = Verb(
    usage: "CONTAINER", options: .init(flags: ["stats"], valued: ["interval"])
  ) { arguments, context in
    let record = try context.states.record(of: try arguments.container())
    let interval = try interval(arguments.value("interval"))
    guard try context.states.status(of: record) != .stopped else {
      throw OCIError("container \(record.id) is not running")
    }
    var kills = try record.group.oomKills() ?? 0
    var elapsed = 0
    Output.write(try Statistics.document(record).text() + "\n")
    if arguments.has("stats") { return 0 }
    // Of memory that has run out version 1 tells through a file of its own kind: to look each second does for both.
    while let process = try record.process.open() {
      let pause = min(1000, interval - elapsed)
      if process.waitForEnd(milliseconds: pause) { return 0 }
      elapsed += pause
      let now = try record.group.oomKills() ?? 0
      if now > kills {
        Output.write(JSON.record(["type": .string("oom"), "id": .string(record.id)]).text() + "\n")
      }
      kills = max(now, kills)
      if elapsed < interval { continue }
      elapsed = 0
      Output.write(try Statistics.document(record).text() + "\n")
    }
    return 0
  }

  /// Milliseconds of a duration: `5s`, `100ms`, `1m`, or seconds as a mere number.
  private static func interval(_ text: String?) throws -> Int {
    guard let text else { return 5000 }
    let digits = text.prefix(while: \.isNumber)
    let units = ["": 1000, "s": 1000, "ms": 1, "m": 60_000, "h": 3_600_000]
    guard let number = Int(digits), let unit = units[String(text.dropFirst(digits.count))],
      (1...86400).contains(number)
    else { throw UsageError("--interval is not a duration such as 5s or 100ms") }
    return number * unit
  }
}

/// Processes of a container in the columns of ps(1).
enum ProcessTable {
  /// As `ps -ef`, with the names that the machine has for its users.
  static func full(_ pids: [pid_t]) -> String {
    // Best effort: without the file users have numbers alone.
    let passwd = ((try? Files.text("/etc/passwd", limit: 1 << 20)) ?? "").split(separator: "\n")
      .map { $0.split(separator: ":", omittingEmptySubsequences: false) }
    let rows = described(pids).map { process in
      let name = passwd.first { $0.count > 2 && $0[2] == process.user }.map { String($0[0]) } ?? process.user
      return [
        name, "\(process.pid)", process.parent, process.load, process.started, process.terminal, process.time,
        process.command,
      ]
    }
    return Table(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"], rows).text
  }

  /// As `ps -x`.
  static func short(_ pids: [pid_t]) -> String {
    let rows = described(pids).map { ["\($0.pid)", $0.terminal, $0.state, $0.time, $0.command] }
    // ps(1) has the numbers at the right of a wider column.
    return Table(["    PID", "TTY", "STAT", "TIME", "COMMAND"], rows).text
  }

  /// One that has ended meanwhile is not listed.
  private static func described(_ pids: [pid_t]) -> [ProcessDescription] {
    pids.compactMap { try? ProcessDescription($0) }
  }
}

/// What `events` prints.
private enum Statistics {
  static func document(_ record: ContainerRecord) throws -> JSON {
    let counters = try record.group.statistics()
    let usage: JSON = .record([
      "usage": .integer(counters.memory ?? 0), "max": counters.memoryPeak.map { .integer($0) },
      "failcnt": .integer(counters.oomKills ?? 0),
    ])
    let data: JSON = .record([
      "cpu": .record(["usage": .record(["total": .integer(counters.cpuTime ?? 0)])]),
      "memory": .record(["usage": usage]), "pids": .record(["current": .integer(counters.pids ?? 0)]),
    ])
    return .record(["type": .string("stats"), "id": .string(record.id), "data": data])
  }
}
