import Glibc
import LinuxSystem
import StackLogs
import SystemPackage
import TestSupport
import Testing

@Suite struct LogMergerTests {
  @Test func `lines of several containers come in the order of time`() throws {
    for seed in 0..<30 {
      var generator = SeededGenerator(seed: UInt64(seed))
      var fixtures: [LogFixture] = []
      var expected: [(Int, LogLine)] = []
      for source in 0..<Int.random(in: 0...6, using: &generator) {
        let fixture = try LogFixture()
        let model = try randomLog(fixture, &generator, chunks: 20)
        expected += model.selected(.all).map { (source, $0) }
        fixtures.append(fixture)
      }
      // A stable order: by time, then by source, then as written.
      let order = expected.indices.sorted {
        (expected[$0].1.monotonic, expected[$0].0, $0) < (expected[$1].1.monotonic, expected[$1].0, $1)
      }
      var merger = LogMerger(try fixtures.map { try LogReader(directory: $0.path) })
      for index in order {
        let line = try merger.next()
        #expect(line?.source == expected[index].0 && line?.line == expected[index].1, "seed \(seed)")
      }
      #expect(try merger.next() == nil)
    }
  }
}

@Suite struct LogFollowerTests {
  /// Runs a script of the shell in a child; the caller waits for it.
  private func start(_ script: String, _ arguments: String...) throws -> pid_t {
    try Spawn(
      path: "/bin/sh", arguments: ["sh", "-euc", script, "sh"] + arguments, environment: ["PATH=/usr/bin:/bin"],
      descriptors: [2: FileDescriptor.standardError]
    ).start()
  }

  /// A child that writes 2000 lines and an unfinished one, and the read end of its output; it alone has the write end.
  private func startCounting() throws -> (pid_t, SharedDescriptor) {
    let pipe = try DescriptorPair.pipe().split()
    let script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; printf end"
    let pid = try Spawn(
      path: "/bin/sh", arguments: ["sh", "-c", script], environment: [], descriptors: [1: pipe.second.borrowed]
    ).start()
    return (pid, pipe.first)
  }

  private func wait(_ pid: pid_t) -> CInt {
    var status: CInt = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    return status
  }

  /// Everything that comes until both `count` lines are there, or nothing comes for ten seconds.
  private func follow(_ follower: inout LogFollower, _ count: Int) throws -> [MergedLine] {
    var lines: [MergedLine] = []
    while true {
      while let line = try follower.next() { lines.append(line) }
      if lines.count >= count { return lines }
      guard try Polling.readable([follower.descriptor], milliseconds: 10_000) == [true] else { return lines }
    }
  }

  @Test func `a writer in another process is followed, however it cuts its writes`() throws {
    let fixture = try LogFixture()
    var first = SegmentBytes()
    for number in 0..<150 { first.add(.standardOutput, "\(number)\n\(number) ", at: UInt64(number)) }
    first.add(.standardOutput, "end\n", at: 150)
    var second = SegmentBytes()
    second.add(.standardError, "second run\n", at: 200)
    try Files.makeDirectory("\(fixture.path)/in")
    try fixture.write(first.bytes, to: "in/1.log")
    try fixture.write(second.bytes, to: "in/2.log")
    try Files.makeDirectory("\(fixture.path)/out")
    var follower = try LogFollower()
    #expect(follower.isFinished == true)
    let source = try follower.add(directory: "\(fixture.path)/out")
    #expect(try follower.next() == nil && !follower.isFinished)
    let pid = try start(
      """
      for name in 1.log 2.log; do
        size=$(stat -c %s "$1/in/$name"); offset=0
        while [ $offset -lt $size ]; do
          dd if="$1/in/$name" bs=1 skip=$offset count=61 status=none >> "$1/out/$name"; offset=$((offset + 61))
        done
      done
      """, fixture.path)
    let lines = try follow(&follower, 152)
    #expect(wait(pid) == 0)
    let expected = ["0"] + (0..<149).map { "\($0) \($0 + 1)" } + ["149 end", "second run"]
    #expect(lines.map(\.line.text) == expected)
    #expect(lines.allSatisfy { $0.source == source })
    #expect(follower.isFinished == false)
    try follower.end(source)
    #expect(try follower.next() == nil && follower.isFinished)
  }

  @Test func `what a pipe of another process gives is followed while it comes`() throws {
    let fixture = try LogFixture()
    let (pid, output) = try startCounting()
    var writer = LogWriter(directory: fixture.path, run: 1)
    var follower = try LogFollower()
    let source = try follower.add(directory: fixture.path)
    var lines: [String] = []
    while try writer.pump(.standardOutput, from: output.borrowed) != .endOfFile {
      while let line = try follower.next() { lines.append(line.line.text) }
    }
    writer.finish()
    #expect(wait(pid) == 0)
    try follower.end(source)
    while let line = try follower.next() { lines.append(line.line.text) }
    #expect(lines == (0..<2000).map { "line \($0)" } + ["end|"])
    #expect(follower.isFinished == true)
  }

  @Test func `within a round lines are in the order of time, and selections hold`() throws {
    let fixtures = [try LogFixture(), try LogFixture()]
    var early = SegmentBytes()
    var late = SegmentBytes()
    for number in 0..<20 {
      early.add(.standardOutput, "a\(number)\n", at: UInt64(2 * number))
      late.add(.standardOutput, "b\(number)\n", at: UInt64(2 * number + 1))
    }
    try fixtures[0].write(Array(early.bytes[..<early.starts[10]]), to: "1.log")
    try fixtures[1].write(Array(late.bytes[..<late.starts[10]]), to: "1.log")
    var follower = try LogFollower()
    _ = try follower.add(directory: fixtures[0].path, selection: LogSelection(tail: 1))
    _ = try follower.add(directory: fixtures[1].path, selection: LogSelection(since: 17))
    #expect(try follow(&follower, 3).map(\.line.text) == ["b8", "a9", "b9"])
    // Written the other way around.
    try fixtures[1].write(Array(late.bytes[late.starts[10]...]), to: "1.log")
    try fixtures[0].write(Array(early.bytes[early.starts[10]...]), to: "1.log")
    #expect(try follow(&follower, 20).map(\.line.text) == (10..<20).flatMap { ["a\($0)", "b\($0)"] })
  }

  @Test func `a round ends, whatever is written meanwhile`() throws {
    let fixture = try LogFixture()
    var segment = SegmentBytes()
    for number in 0..<4 { segment.add(.standardOutput, "\(number)\n", at: UInt64(number)) }
    try fixture.write(Array(segment.bytes[..<segment.starts[2]]), to: "1.log")
    var follower = try LogFollower()
    _ = try follower.add(directory: fixture.path)
    #expect(try follower.next()?.line.text == "0")
    try fixture.write(Array(segment.bytes[segment.starts[2]...]), to: "1.log")
    #expect(try follower.next()?.line.text == "1")
    #expect(try follower.next() == nil)
    #expect(try Polling.readable([follower.descriptor], milliseconds: 10_000) == [true])
    #expect(try follower.next()?.line.text == "2")
    #expect(try follower.next()?.line.text == "3")
    #expect(try follower.next() == nil)
    #expect(try Polling.readable([follower.descriptor], milliseconds: 0) == [false])
  }

  @Test func `an unfinished last line is given at the end of its writer`() throws {
    let fixture = try LogFixture()
    var follower = try LogFollower()
    let source = try follower.add(directory: fixture.path)
    var writer = LogWriter(directory: fixture.path, run: 1)
    writer.append(Array("done\nprompt".utf8), to: .standardOutput)
    #expect(try follow(&follower, 1).map(\.line.text) == ["done"])
    try follower.end(source)
    try follower.end(source)
    #expect(follower.isFinished == false)
    #expect(try follower.next()?.line.text == "prompt|")
    #expect(try follower.next() == nil && follower.isFinished)
  }

  @Test func `a directory that does not exist cannot be followed`() throws {
    let fixture = try LogFixture()
    var follower = try LogFollower()
    #expect(throws: SystemCallError.self) { try follower.add(directory: "\(fixture.path)/none") }
  }
}
