import Glibc
import LinuxSystem
import StackLogs
import TestSupport
import Testing

@Suite struct LogTimeTests {
  private static let second: UInt64 = 1_000_000_000

  @Test(
    arguments: [
      ("0", 0), ("42m", 42 * 60 * 1_000_000_000), ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000),
      (".5s", 500_000_000), ("1.s", 1_000_000_000), ("-5s", -5_000_000_000), ("+5s", 5_000_000_000),
      ("100ms", 100_000_000),
      ("7us", 7000), ("7\u{B5}s", 7000), ("7\u{3BC}s", 7000), ("9ns", 9), ("1h1m1s1ms1us1ns", 3_661_001_001_001),
      ("", nil), ("5", nil), ("m", nil), ("5x", nil), ("1.2.3s", nil), (".s", nil), ("--5s", nil), ("5 s", nil),
      ("9999999999999h", nil), ("-", nil),
    ] as [(String, Int64?)])
  func `durations as Go writes them`(text: String, nanoseconds: Int64?) {
    #expect(LogTime.duration(text) == nanoseconds)
  }

  @Test(
    arguments: [
      ("42m", 1_000_000_000 - 42 * 60), ("1970-01-01T00:00:00Z", 0), ("2026-08-19T12:00:00Z", 1_787_140_800),
      ("2026-08-19t14:00:00+02:00", 1_787_140_800), ("2026-08-19 08:30:00-0330", 1_787_140_800),
      ("2026-08-19T13:00:00", 1_787_140_800), ("2026-08-19T13:00", 1_787_140_800), ("2026-08-19", 1_787_094_000),
      ("2024-02-29T23:59:60Z", 1_709_251_200), ("1700000000", 1_700_000_000), ("1969-12-31T23:59:59Z", 0),
      ("2023-02-29T00:00:00Z", nil), ("2026-13-01", nil), ("2026-08-19T24:00:00Z", nil), ("2026-08-19T12", nil),
      ("2026-08-19T12:00:00Zx", nil), ("2026-8-19", nil), ("yesterday", nil), ("", nil), ("2026-08-19T12:00:00+2", nil),
      ("-1700000000", nil), ("1700000000.", nil),
    ] as [(String, UInt64?)])
  func `moments, with a zone one hour east`(text: String, seconds: UInt64?) {
    let moment = LogTime.moment(text, now: 1_000_000_000 * Self.second, localOffset: { _ in 3600 })
    #expect(moment == seconds.map { $0 * Self.second })
  }

  @Test func `fractions of seconds`() {
    let now = Self.second
    #expect(LogTime.moment("1700000000.25", now: now) == 1_700_000_000_250_000_000)
    #expect(LogTime.moment("2026-08-19T12:00:00.000000001Z", now: now) == 1_787_140_800_000_000_001)
    #expect(LogTime.moment("2026-08-19T12:00:00.1234567899Z", now: now) == 1_787_140_800_123_456_789)
    #expect(LogTime.moment("2s", now: now) == 0)
    #expect(LogTime.moment("-2s", now: now) == 3 * Self.second)
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000000000Z"), (1_787_140_800_000_000_001, "2026-08-19T12:00:00.000000001Z"),
      (951_782_400_000_000_000, "2000-02-29T00:00:00.000000000Z"),
      (4_102_444_799_999_999_999, "2099-12-31T23:59:59.999999999Z"),
      (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
    ] as [(UInt64, String)])
  func `text of a moment`(moment: UInt64, text: String) {
    #expect(LogTime.text(moment) == text)
    #expect(LogTime.moment(text, now: 0) == moment)
  }

  @Test func `each day of two centuries and a half has its own date, and back`() {
    var previous = ""
    for day in 0..<91_000 as Range<UInt64> {
      let text = LogTime.text(day * 86_400 * Self.second)
      let isLater = previous < text
      let isSame = LogTime.moment(text, now: 0) == day * 86_400 * Self.second
      if !isLater || !isSame {
        Issue.record("day \(day) is \(text)")
        return
      }
      previous = text
    }
    #expect(previous.hasPrefix("2219-02-2"))
  }

  @Test func `the zone of the machine is known`() {
    #expect(abs(LocalTime.offset(at: 1_700_000_000)) <= 14 * 3600)
  }
}

@Suite struct LogRendererTests {
  private func line(_ text: String, _ ending: LogLine.Ending = .newline) -> LogLine {
    LogLine(
      .standardOutput, realtime: 1_787_140_800_000_000_001, monotonic: 5, bytes: Array(text.utf8)[...], ending: ending)
  }

  private func render(_ style: LogRenderer.Style, _ names: [String], _ lines: [(Int, LogLine)]) -> String {
    var renderer = LogRenderer(style)
    for name in names { _ = renderer.add(name) }
    var output: [UInt8] = []
    for (source, line) in lines { renderer.append(line, from: source, to: &output) }
    return String(decoding: output, as: UTF8.self)
  }

  @Test func `names are as wide as the longest`() {
    #expect(
      render(.init(), ["web-1", "database-1"], [(0, line("w1")), (1, line("")), (0, line("end", .missing))])
        == "web-1       | w1\ndatabase-1  | \nweb-1       | end\n")
  }

  @Test func `times stand after the bar, names can be left out`() {
    #expect(
      render(.init(showsTimes: true), ["a-1"], [(0, line("x")), (0, line("y"))])
        == "a-1  | 2026-08-19T12:00:00.000000001Z x\na-1  | 2026-08-19T12:00:00.000000001Z y\n")
    #expect(
      render(.init(usesColors: true, showsNames: false, showsTimes: true), ["a-1"], [(0, line("x"))])
        == "2026-08-19T12:00:00.000000001Z x\n")
    #expect(render(.init(showsNames: false), ["a-1"], [(0, line("x")), (7, line("y"))]) == "x\ny\n")
  }

  @Test func `colours rotate`() {
    let names = (0..<11).map { "s\($0)" }
    let text = render(.init(usesColors: true), names, names.indices.map { ($0, line("x")) })
    let lines = text.split(separator: "\n")
    #expect(lines[0] == "\u{1B}[36ms0   | \u{1B}[0mx")
    let colors = lines.map { $0.dropFirst(2).prefix { $0 != "m" } }
    #expect(colors == ["36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1", "36"])
  }

  @Test func `bytes are not changed`() {
    var renderer = LogRenderer(.init(showsNames: false))
    let bytes: [UInt8] = Array(0...9) + Array(11...255)
    var output: [UInt8] = []
    let line = LogLine(.standardOutput, realtime: 0, monotonic: 0, bytes: bytes[...])
    renderer.append(line, from: renderer.add("a"), to: &output)
    #expect(output == bytes + [10])
  }

  @Test func `output is written as a whole, in large pieces`() throws {
    let fixture = try LogFixture()
    let file = try Files.open("\(fixture.path)/out", O_WRONLY | O_CREAT, mode: 0o600)
    var output = BufferedOutput(file.borrowed)
    try output.append { $0 += [1, 2, 3] }
    #expect(try fixture.bytes("out").isEmpty)
    let large = [UInt8](repeating: 7, count: 1_000_000)
    try output.append { $0 += large }
    try output.append { $0 += [4] }
    #expect(try fixture.bytes("out").count == 1_000_003)
    try output.flush()
    #expect(try fixture.bytes("out") == [1, 2, 3] + large + [4])
    #expect(throws: SystemCallError.self) {
      let closed = try Files.open("\(fixture.path)/out")
      var output = BufferedOutput(closed.borrowed)
      try output.append { $0 += [1] }
      try output.flush()
    }
  }
}
