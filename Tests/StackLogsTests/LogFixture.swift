import Glibc
import LinuxSystem
import StackLogs
import TestSupport
import Testing

/// A directory for the segments of one container, removed at the end.
final class LogFixture {
  let path: String

  init() throws {
    var template = Array("/tmp/stack-logs-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp", .latest) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    try? Files.removeTree(path)
  }

  var names: [String] { get throws { try Files.names(in: path) } }

  func bytes(_ name: String) throws -> [UInt8] { try Files.readAll("\(path)/\(name)", limit: 1 << 30) }

  func write(_ bytes: [UInt8], to name: String) throws {
    let file = try Files.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
    try Files.writeAll(file.borrowed, array: bytes)
  }

  /// All lines that a reader gives.
  func lines(_ selection: LogSelection = .all) throws -> [LogLine] {
    var reader = try LogReader(directory: path, selection: selection)
    return try reader.rest()
  }

  func texts(_ selection: LogSelection = .all) throws -> [String] { try lines(selection).map(\.text) }
}

extension LogReader {
  /// The lines that there are now.
  mutating func rest() throws -> [LogLine] {
    var lines: [LogLine] = []
    while let line = try next() { lines.append(line) }
    return lines
  }
}

extension LogLine {
  /// Its bytes as text, and how it ends: nothing for a newline, `|` for none, `…` where it is cut.
  var text: String {
    let end =
      switch ending {
      case .newline: ""
      case .missing: "|"
      case .cut: "…"
      }
    return String(decoding: bytes, as: UTF8.self) + end
  }
}

/// Makes the bytes of a segment with times of the test's choice.
struct SegmentBytes {
  private(set) var bytes: [UInt8] = []
  /// Where each record starts.
  private(set) var starts: [Int] = []
  private var open: Set<LogStream> = []

  mutating func add(_ stream: LogStream, _ text: String, at time: UInt64, realtime: UInt64? = nil) {
    add(stream, Array(text.utf8), at: time, realtime: realtime)
  }

  mutating func add(_ stream: LogStream, _ chunk: [UInt8], at time: UInt64, realtime: UInt64? = nil) {
    starts.append(bytes.count)
    let header = LogRecordHeader(
      stream, flags: open.contains(stream) ? .continuesLine : [], count: chunk.count, realtime: realtime ?? time,
      monotonic: time)
    bytes += header.bytes + chunk
    switch chunk.last {
    case nil: break
    case 10: open.remove(stream)
    default: open.insert(stream)
    }
  }
}

/// What readers should give, worked out byte by byte.
struct NaiveLog {
  struct Line: Equatable {
    var stream: LogStream
    var ordinal: Int
    var realtime: UInt64
    var monotonic: UInt64
    var bytes: [UInt8]
    var isWhole = false
  }

  private(set) var lines: [Line] = []
  private var open: [LogStream: Int] = [:]
  private var ordinal = 0

  mutating func add(_ stream: LogStream, _ chunk: [UInt8], at time: UInt64, realtime: UInt64) {
    ordinal += 1
    for byte in chunk {
      let index = open[stream] ?? lines.count
      if index == lines.count {
        lines.append(Line(stream: stream, ordinal: ordinal, realtime: realtime, monotonic: time, bytes: []))
        open[stream] = index
      }
      if byte == 10 {
        lines[index].isWhole = true
        open[stream] = nil
      } else {
        lines[index].bytes.append(byte)
      }
    }
  }

  mutating func endRun() { open = [:] }

  func selected(_ selection: LogSelection) -> [LogLine] {
    let matching = lines.filter {
      $0.realtime >= selection.since ?? 0 && $0.realtime <= selection.until ?? .max
    }
    return matching.suffix(selection.tail ?? .max).map {
      LogLine(
        $0.stream, realtime: $0.realtime, monotonic: $0.monotonic, bytes: $0.bytes[...],
        ending: $0.isWhole ? .newline : .missing)
    }
  }
}

/// Random output: lines of several lengths, cut anywhere, on both streams, over several runs.
func randomLog(_ fixture: LogFixture, _ generator: inout SeededGenerator, chunks: Int) throws -> NaiveLog {
  var model = NaiveLog()
  var time: UInt64 = 1000
  for run in 1...Int.random(in: 1...3, using: &generator) {
    var segment = SegmentBytes()
    for _ in 0..<Int.random(in: 0...chunks, using: &generator) {
      let stream: LogStream = Bool.random(using: &generator) ? .standardOutput : .standardError
      let chunk = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
        UInt8.random(in: 0...4, using: &generator) == 0 ? 10 : UInt8.random(in: 0...255, using: &generator)
      }
      time += UInt64.random(in: 1...20, using: &generator)
      // The clock on the wall may be set back.
      let realtime = time - UInt64.random(in: 0...30, using: &generator)
      segment.add(stream, chunk, at: time, realtime: realtime)
      model.add(stream, chunk, at: time, realtime: realtime)
    }
    model.endRun()
    try fixture.write(segment.bytes, to: "\(run).log")
  }
  return model
}
