import Glibc
import LinuxSystem
import StackLogs
import TestSupport
import Testing

@Suite struct LogReaderTests {
  @Test func `a log that is not there is empty`() throws {
    let fixture = try LogFixture()
    #expect(try fixture.lines().isEmpty)
    var reader = try LogReader(directory: "\(fixture.path)/none", selection: LogSelection(tail: 3))
    #expect(try reader.next() == nil)
  }

  @Test func `lines come in the order in which they began`() throws {
    let fixture = try LogFixture()
    var segment = SegmentBytes()
    segment.add(.standardOutput, "a", at: 1)
    segment.add(.standardError, "e1\ne2", at: 2)
    segment.add(.standardOutput, "b\nc\n", at: 3)
    segment.add(.standardError, "!\n", at: 4)
    segment.add(.standardOutput, "", at: 5)
    segment.add(.standardOutput, "last", at: 6)
    try fixture.write(segment.bytes, to: "1.log")
    let lines = try fixture.lines()
    #expect(lines.map(\.text) == ["ab", "e1", "e2!", "c", "last|"])
    #expect(lines.map(\.monotonic) == [1, 2, 2, 3, 6])
  }

  @Test func `a record torn at any byte is left out, and the next run is not touched by it`() throws {
    var segment = SegmentBytes()
    segment.add(.standardOutput, "one\ntw", at: 1)
    segment.add(.standardOutput, "o\nthree\n", at: 2)
    var second = SegmentBytes()
    second.add(.standardOutput, "new\n", at: 3)
    let whole = segment.starts[1]
    for end in whole...segment.bytes.count {
      let fixture = try LogFixture()
      try fixture.write(Array(segment.bytes[..<end]), to: "1.log")
      let isWhole = end == segment.bytes.count
      #expect(try fixture.texts() == (isWhole ? ["one", "two", "three"] : ["one", "tw|"]), "at \(end - whole)")
      try fixture.write(second.bytes, to: "2.log")
      #expect(try fixture.texts() == (isWhole ? ["one", "two", "three", "new"] : ["one", "tw|", "new"]))
      #expect(try fixture.texts(LogSelection(tail: 2)) == (isWhole ? ["three", "new"] : ["tw|", "new"]))
    }
  }

  @Test func `damage is told and does not hide the next segment`() throws {
    let fixture = try LogFixture()
    var segment = SegmentBytes()
    segment.add(.standardOutput, "one\ntwo", at: 1)
    try fixture.write(segment.bytes + [UInt8](repeating: 0, count: 100), to: "1.log")
    var second = SegmentBytes()
    second.add(.standardOutput, "new\n", at: 2)
    try fixture.write(second.bytes, to: "2.log")
    let notice = "stack: the log 1.log is damaged from byte \(segment.bytes.count) on"
    #expect(try fixture.texts() == ["one", "two|", notice, "new"])
  }

  @Test func `a line that lost its end does not wait for it`() throws {
    let fixture = try LogFixture()
    var segment = SegmentBytes()
    segment.add(.standardOutput, "half", at: 1)
    let notice = LogRecordHeader(.notice, flags: .afterLoss, count: 5, realtime: 2, monotonic: 2)
    try fixture.write(segment.bytes + notice.bytes + Array("lost\n".utf8), to: "1.log")
    var reader = try LogReader(directory: fixture.path, isLive: true)
    #expect(try reader.rest().map(\.text) == ["half|", "lost"])
  }

  @Test func `random logs agree with the model, whole and in parts`() throws {
    for seed in 0..<150 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let fixture = try LogFixture()
      let model = try randomLog(fixture, &generator, chunks: 30)
      #expect(try fixture.lines() == model.selected(.all), "seed \(seed)")
      for _ in 0..<8 {
        func time() -> UInt64? {
          Bool.random(using: &generator) ? UInt64.random(in: 900...2000, using: &generator) : nil
        }
        let tail = Bool.random(using: &generator) ? Int.random(in: 0...30, using: &generator) : nil
        let selection = LogSelection(since: time(), until: time(), tail: tail)
        #expect(try fixture.lines(selection) == model.selected(selection), "seed \(seed) \(selection)")
      }
    }
  }

  @Test func `the tail of a large log, over windows and segments`() throws {
    let fixture = try LogFixture()
    var number = 0
    for run in 1...3 {
      var segment = SegmentBytes()
      // Chunks of 40 KB hold some 400 lines each, the last of them cut in two.
      var rest: [UInt8] = []
      for chunk in 0..<80 {
        while rest.count < 40_000 {
          rest += Array("line \(number) \(String(repeating: "x", count: 90))\n".utf8)
          number += 1
        }
        let isLast = chunk == 79
        segment.add(.standardOutput, isLast ? rest : Array(rest[..<40_000]), at: UInt64(run * 1000 + chunk))
        rest.removeFirst(isLast ? rest.count : 40_000)
      }
      try fixture.write(segment.bytes, to: "\(run).log")
    }
    for tail in [1, 2, 399, 400, 401, 5000, number - 1, number, number + 1] {
      let lines = try fixture.lines(LogSelection(tail: tail))
      let count = min(tail, number)
      #expect(lines.count == count)
      #expect(lines.first?.text.hasPrefix("line \(number - count) ") == true)
      #expect(lines.last?.text.hasPrefix("line \(number - 1) ") == true)
    }
    let since = try fixture.lines(LogSelection(since: 3000))
    #expect(since.first?.realtime == 3000 && since.count < number / 2)
  }

  @Test func `a live reader keeps unfinished lines until they end`() throws {
    let fixture = try LogFixture()
    var segment = SegmentBytes()
    segment.add(.standardOutput, "pro", at: 1)
    segment.add(.standardError, "e\n", at: 2)
    segment.add(.standardOutput, "mpt\nnew", at: 3)
    var reader = try LogReader(directory: fixture.path, isLive: true)
    #expect(try reader.rest().isEmpty)
    try fixture.write(Array(segment.bytes[..<segment.starts[2]]), to: "1.log")
    // Nothing is seen before a refresh, and an error does not wait for a prompt.
    #expect(try reader.rest().isEmpty)
    try reader.refresh(hasNewSegments: true)
    #expect(try reader.rest().map(\.text) == ["e"])
    try fixture.write(Array(segment.bytes[segment.starts[2]...]), to: "1.log")
    try reader.refresh(hasNewSegments: false)
    #expect(try reader.rest().map(\.text) == ["prompt"])
    try reader.end()
    #expect(try reader.rest().map(\.text) == ["new|"])
  }

  @Test func `a live reader fed byte by byte gives what a late one gives`() throws {
    for seed in 0..<20 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let source = try LogFixture()
      let model = try randomLog(source, &generator, chunks: 12)
      let fixture = try LogFixture()
      var reader = try LogReader(directory: fixture.path, isLive: true)
      var lines: [LogLine] = []
      for name in try source.names {
        for byte in try source.bytes(name) {
          try fixture.write([byte], to: name)
          try reader.refresh(hasNewSegments: true)
          lines += try reader.rest()
        }
      }
      try reader.end()
      lines += try reader.rest()
      // A live reader does not wait for the other stream: the same lines, each stream in order.
      for stream in LogStream.allCases {
        #expect(lines.filter { $0.stream == stream } == model.selected(.all).filter { $0.stream == stream })
      }
    }
  }

  @Test func `a very long line is cut, and its pieces are its bytes`() throws {
    let fixture = try LogFixture()
    var writer = LogWriter(directory: fixture.path, run: 1)
    let long = [UInt8](repeating: 0x78, count: 3_000_000)
    writer.append(Array("before\n".utf8) + long + Array("\nafter\n".utf8), to: .standardOutput)
    let lines = try fixture.lines()
    #expect(lines.map(\.ending) == [.newline, .cut, .cut, .newline, .newline])
    #expect(lines[1...3].map(\.bytes.count).reduce(0, +) == long.count)
    #expect(try fixture.lines(LogSelection(tail: 2)).count == 4)
    #expect(try fixture.texts(LogSelection(tail: 1)) == ["after"])
  }

  @Test func `a line that never ends does not hold back the rest for ever`() throws {
    let fixture = try LogFixture()
    var writer = LogWriter(directory: fixture.path, run: 1)
    writer.append(Array("prompt".utf8), to: .standardOutput)
    let line = Array((String(repeating: "e", count: 9999) + "\n").utf8)
    for _ in 0..<1000 { writer.append(line, to: .standardError) }
    var reader = try LogReader(directory: fixture.path)
    #expect(try reader.next()?.stream == .standardError)
    #expect(try reader.rest().count == 1000)
  }

  @Test func `a million lines, none lost, in order`() throws {
    let fixture = try LogFixture()
    var writer = LogWriter(directory: fixture.path, run: 1)
    let filler = Array(String(repeating: "x", count: 92).utf8) + [10]
    var chunk: [UInt8] = []
    for number in 0..<1_000_000 {
      // Seven digits.
      var divisor = 1_000_000
      while divisor > 0 {
        chunk.append(48 + UInt8(number / divisor % 10))
        divisor /= 10
      }
      chunk += filler
      if chunk.count > 60_000 {
        writer.append(chunk, to: .standardOutput)
        chunk.removeAll(keepingCapacity: true)
      }
    }
    writer.append(chunk, to: .standardOutput)
    writer.finish()
    var reader = try LogReader(directory: fixture.path)
    var count = 0
    var isInOrder = true
    while let line = try reader.next() {
      let number = line.bytes.prefix(7).reduce(0) { $0 * 10 + Int($1) - 48 }
      if number != count || line.bytes.count != 99 { isInOrder = false }
      count += 1
    }
    #expect(count == 1_000_000 && isInOrder)
  }
}
