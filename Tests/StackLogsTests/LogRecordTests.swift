import LinuxSystem
import StackLogs
import Testing

@Suite struct LogRecordTests {
  @Test func `a header is what it was`() {
    for stream in LogStream.allCases {
      let header = LogRecordHeader(
        stream, flags: [.continuesLine, .afterLoss], count: 64 << 10, realtime: 0x0102_0304_0506_0708, monotonic: .max)
      let bytes = header.bytes
      #expect(bytes.count == LogRecordHeader.size)
      #expect(LogRecordHeader([0, 0, 0] + bytes, at: 3) == header)
    }
  }

  @Test func `what is not a header is not taken for one`() {
    let good = LogRecordHeader(.standardOutput, count: 5, realtime: 1, monotonic: 2).bytes
    #expect(LogRecordHeader(good, at: 1) == nil && LogRecordHeader(good, at: -1) == nil)
    #expect(LogRecordHeader(Array(good.dropLast()), at: 0) == nil)
    // Magic, version, stream, and a size that no chunk has.
    for (index, value) in [(0, 0), (1, 2), (2, 0), (2, 4), (7, 1)] as [(Int, UInt8)] {
      var bad = good
      bad[index] = value
      #expect(LogRecordHeader(bad, at: 0) == nil, "byte \(index)")
    }
  }

  @Test(
    arguments: [
      ("1.log", LogSegment(run: 1)), ("12.3.log", LogSegment(run: 12, part: 3)), ("0.log", LogSegment(run: 0)),
      ("01.log", nil), ("1.0.log", nil), ("1.2.3.log", nil), ("a.log", nil), ("1.txt", nil), (".log", nil), ("1", nil),
      ("-1.log", nil), ("4294967296.log", nil),
    ] as [(String, LogSegment?)])
  func `names of segments`(name: String, segment: LogSegment?) {
    #expect(LogSegment(name: name) == segment)
    if let segment { #expect(segment.name == name) }
  }

  @Test func `segments are in the order of runs and parts`() throws {
    let fixture = try LogFixture()
    for name in ["10.log", "2.1.log", "2.10.log", "2.log", "2.9.log", "note.txt"] { try fixture.write([], to: name) }
    #expect(
      try LogSegment.all(in: fixture.path).map(\.name) == ["2.log", "2.1.log", "2.9.log", "2.10.log", "10.log"])
    #expect(try LogSegment.all(in: "\(fixture.path)/none").isEmpty)
  }
}
