import Glibc
import LinuxSystem
import StackLogs
import SystemPackage
import TestSupport
import Testing

@Suite struct LogWriterTests {
  @Test func `a silent run leaves no file`() throws {
    let fixture = try LogFixture()
    var writer = LogWriter(directory: fixture.path, run: 1)
    writer.append([], to: .standardOutput)
    writer.finish()
    #expect(try fixture.names.isEmpty)
  }

  @Test func `what comes through a pipe is in the log, with its times`() throws {
    let fixture = try LogFixture()
    let pipe = try DescriptorPair.pipe().split()
    #expect(fcntl(pipe.first.borrowed.rawValue, F_SETFL, O_NONBLOCK) == 0)
    var writer = LogWriter(directory: fixture.path, run: 7)
    #expect(try writer.pump(.standardOutput, from: pipe.first.borrowed) == .wouldBlock)
    let before = (KernelClock.realtime, KernelClock.monotonic)
    try Files.writeAll(pipe.second.borrowed, "one\ntw".utf8)
    #expect(try writer.pump(.standardOutput, from: pipe.first.borrowed) == .read(6))
    try Files.writeAll(pipe.second.borrowed, "o\n\nend".utf8)
    #expect(try writer.pump(.standardOutput, from: pipe.first.borrowed) == .read(6))
    writer.append(Array("error\n".utf8), to: .standardError)
    let after = (KernelClock.realtime, KernelClock.monotonic)
    #expect(try fixture.names == ["7.log"])
    let lines = try fixture.lines()
    #expect(lines.map(\.text) == ["one", "two", "", "end|", "error"])
    #expect(
      lines.map(\.stream) == [.standardOutput, .standardOutput, .standardOutput, .standardOutput, .standardError])
    #expect(lines[0].monotonic == lines[1].monotonic && lines[1].monotonic < lines[2].monotonic)
    for line in lines {
      #expect(before.0...after.0 ~= line.realtime && before.1...after.1 ~= line.monotonic)
    }
  }

  @Test func `the end of a pipe is told`() throws {
    let fixture = try LogFixture()
    let pipe = try DescriptorPair.pipe()
    let read = try pipe.first.duplicate()
    _ = consume pipe
    var writer = LogWriter(directory: fixture.path, run: 1)
    #expect(try writer.pump(.standardOutput, from: read.borrowed) == .endOfFile)
  }

  @Test func `the end of a terminal is an end, and other errors are errors`() throws {
    let fixture = try LogFixture()
    var writer = LogWriter(directory: fixture.path, run: 1)
    let master = try Files.open("/dev/ptmx", O_RDWR | O_NOCTTY)
    // ioctl_tty(2): TIOCSPTLCK and TIOCGPTN.
    var lock: CInt = 0
    var number: CInt = -1
    #expect(ioctl(master.borrowed.rawValue, 0x4004_5431, &lock) == 0)
    #expect(ioctl(master.borrowed.rawValue, 0x8004_5430, &number) == 0)
    do {
      let slave = try Files.open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
      try Files.writeAll(slave.borrowed, "hi\n".utf8)
      #expect(try writer.pump(.standardOutput, from: master.borrowed) == .read(4))
    }
    #expect(try writer.pump(.standardOutput, from: master.borrowed) == .endOfFile)
    #expect(try fixture.texts() == ["hi\r"])
    let directory = try Files.open("/", O_RDONLY | O_DIRECTORY)
    #expect(throws: SystemCallError.self) { try writer.pump(.standardOutput, from: directory.borrowed) }
  }

  @Test func `chunks are as large as a pipe, bytes are kept exactly`() throws {
    let fixture = try LogFixture()
    var generator = SeededGenerator(seed: 1)
    let bytes = (0..<300_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    var writer = LogWriter(directory: fixture.path, run: 1)
    writer.append(bytes, to: .standardOutput)
    let log = try fixture.bytes("1.log")
    #expect(log.count == bytes.count + 5 * LogRecordHeader.size)
    #expect(LogRecordHeader(log, at: 0)?.count == 64 << 10)
    let lines = try fixture.lines()
    let joined = Array(lines.map(\.bytes).joined(separator: [10]))
    #expect(lines.last?.ending == .missing ? joined == bytes : joined + [10] == bytes)
  }

  @Test func `nobody's segment is appended to`() throws {
    let fixture = try LogFixture()
    try fixture.write([1, 2, 3], to: "1.log")
    try fixture.write([], to: "1.1.log")
    var writer = LogWriter(directory: fixture.path, run: 1)
    writer.append(Array("x\n".utf8), to: .standardOutput)
    #expect(try fixture.names == ["1.1.log", "1.2.log", "1.log"])
    #expect(try fixture.bytes("1.log") == [1, 2, 3])
    #expect(try fixture.texts().last == "x")
  }

  @Test func `the directory is made with the first chunk`() throws {
    let fixture = try LogFixture()
    let directory = "\(fixture.path)/project/container"
    var writer = LogWriter(directory: directory, run: 1)
    #expect(!Files.exists(directory))
    writer.append(Array("one\n".utf8), to: .standardOutput)
    var reader = try LogReader(directory: directory)
    #expect(try reader.rest().map(\.text) == ["one"])
  }

  @Test func `what could not be written is counted and told`() throws {
    let fixture = try LogFixture()
    // A file is in the place of the directory, until it goes.
    let directory = "\(fixture.path)/later"
    try fixture.write([], to: "later")
    var writer = LogWriter(directory: directory, run: 1)
    writer.append(Array("one\ntwo".utf8), to: .standardOutput)
    writer.append(Array("three\n".utf8), to: .standardError)
    #expect(writer.unreportedLoss == 13)
    try Files.removeFile(directory)
    writer.append(Array("four\n".utf8), to: .standardOutput)
    #expect(writer.unreportedLoss == 0)
    var reader = try LogReader(directory: directory)
    let lines = try reader.rest()
    #expect(
      lines.map(\.text) == ["stack: 13 bytes of output were lost here: Not a directory", "four"])
    #expect(lines.first?.stream == .notice)
  }

  @Test func `a loss at the very end is told too`() throws {
    let fixture = try LogFixture()
    // A file is in the place of the directory, until it goes.
    let directory = "\(fixture.path)/later"
    try fixture.write([], to: "later")
    var writer = LogWriter(directory: directory, run: 1)
    writer.append([1], to: .standardOutput)
    try Files.removeFile(directory)
    writer.finish()
    var reader = try LogReader(directory: directory)
    #expect(try reader.rest().map(\.stream) == [.notice])
  }

  @Test(.privateNamespace) func `a full disk does not stop the service, and the log says what it cost`() throws {
    let fixture = try LogFixture()
    #expect(mount("tmpfs", fixture.path, "tmpfs", 0, "size=256k") == 0)
    defer { umount2(fixture.path, CInt(MNT_DETACH)) }
    let filler = "\(fixture.path)/filler"
    try Files.write(String(repeating: "x", count: 100_000), to: filler, create: 0o600)
    var writer = LogWriter(directory: fixture.path, run: 1)
    // Records that do not end with a page: the last one is torn where the disk ends.
    let line = Array((String(repeating: "y", count: 2999) + "\n").utf8)
    for _ in 0..<100 { writer.append(line, to: .standardOutput) }
    let lost = Int(writer.unreportedLoss)
    #expect(lost > 0 && lost % 3000 == 0)
    #expect(try fixture.bytes("1.log").count == (100 - lost / 3000) * (3000 + LogRecordHeader.size))
    writer.append([UInt8](repeating: 0x7A, count: 3000), to: .standardOutput)
    // Nothing torn is left behind: what is there is whole.
    let kept = try fixture.texts()
    #expect(kept.count == 100 - lost / 3000 && kept.allSatisfy { $0.count == 2999 })
    try Files.removeFile(filler)
    writer.append(Array(" line\nnext\n".utf8), to: .standardOutput)
    let lines = try fixture.texts().suffix(3)
    #expect(lines.first == "stack: \(lost + 3000) bytes of output were lost here: No space left on device")
    #expect(Array(lines.dropFirst()) == [" line", "next"])
  }

  @Test func `a limited log keeps its newest segments`() throws {
    let fixture = try LogFixture()
    for run in 1...2 {
      var writer = LogWriter(directory: fixture.path, run: UInt32(run), .segments(3, size: 1000))
      for number in 0..<100 { writer.append(Array("run \(run) line \(number)\n".utf8), to: .standardOutput) }
      writer.append(Array("open".utf8), to: .standardOutput)
    }
    #expect(try fixture.names.count == 3)
    let total = try fixture.names.map { try fixture.bytes($0).count }.reduce(0, +)
    #expect(total <= 3 * 1000)
    let texts = try fixture.texts()
    #expect(texts.last == "open|" && texts.dropLast().last == "run 2 line 99")
    #expect(texts.count > 40)
  }

  @Test func `lines go on from part to part of a run`() throws {
    let fixture = try LogFixture()
    var writer = LogWriter(directory: fixture.path, run: 1, .segments(100, size: 1))
    for text in ["a", "b", "c\nd", "e\n"] { writer.append(Array(text.utf8), to: .standardOutput) }
    #expect(try fixture.names.count == 4)
    #expect(try fixture.texts() == ["abc", "de"])
    // Without its beginning a line is nothing; without its middle, two.
    try Files.removeFile("\(fixture.path)/1.1.log")
    #expect(try fixture.texts() == ["a|", "de"])
    try Files.removeFile("\(fixture.path)/1.log")
    #expect(try fixture.texts() == ["de"])
  }
}
