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
    let pids = try record.group.processes()
    switch arguments.value("format") ?? "table" {
    case "json": Output.write(JSON.array(pids.map { .integer($0) }).text() + "\n")
    case "table": Output.write("PID\n" + pids.map { "\($0)\n" }.joined())
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
      "id": .string(record.id), "pid": .integer(status == .stopped ? 0 : record.process.pid),
      "status": .string(status.rawValue), "bundle": .string(record.bundle), "rootfs": .string(record.rootDirectory),
      "created": .string(record.created), "owner": .string(record.owner),
    ])
  }

  private static func table(_ records: [ContainerRecord], _ context: Context) throws -> String {
    var rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]]
    for record in records {
      let status = try context.states.status(of: record)
      rows.append([
        record.id, "\(status == .stopped ? 0 : record.process.pid)", status.rawValue, record.bundle, record.created,
        record.owner,
      ])
    }
    let widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return cells.joined(separator: "   ").replacingTrailingSpaces + "\n"
    }.joined()
  }

  static let events = Verb(
    usage: "CONTAINER", options: .init(flags: ["stats"], valued: ["interval"])
  ) { arguments, context in
    let record = try context.states.record(of: try arguments.container())
    let seconds = try interval(arguments.value("interval"))
    guard try context.states.status(of: record) != .stopped else {
      throw OCIError("container \(record.id) is not running")
    }
    while true {
      Output.write(try Statistics.document(record).text() + "\n")
      if arguments.has("stats") { return 0 }
      guard let process = try record.process.open(), !process.waitForEnd(milliseconds: seconds * 1000) else { return 0 }
    }
  }

  private static func interval(_ text: String?) throws -> Int {
    guard let text else { return 5 }
    guard let seconds = Int(text.hasSuffix("s") ? String(text.dropLast()) : text), (1...86400).contains(seconds) else {
      throw UsageError("--interval is not a number of seconds")
    }
    return seconds
  }
}

extension String {
  fileprivate var replacingTrailingSpaces: String {
    var text = self
    while text.hasSuffix(" ") { text.removeLast() }
    return text
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
