import Glibc
import LinuxSystem
import SystemPackage

/// What came of moving one chunk from a container into its log.
package enum PumpResult: Sendable, Hashable {
  /// So many bytes were read.
  case read(Int)
  /// Nothing will come any more.
  case endOfFile
  /// Nothing is there now.
  case wouldBlock
}

/// How much of a log is kept.
package enum LogRetention: Sendable, Hashable {
  case everything
  /// The newest segments, that being written included, at least 1; a segment that would become larger than `size` is followed
  /// by another.
  case segments(Int, size: UInt64)
  /// What is written is read, so that the container can go on, and dropped.
  case nothing
}

/// Writes the log of one run of a container: one read(2) and one pwrite(2) a chunk, and nothing a line.
///
/// The container never waits for the log's disk to have room: what cannot be written is counted and dropped, and a notice in the
/// log says how much was lost, and why, as soon as there is room again.
package struct LogWriter: ~Copyable {
  private struct Loss {
    var bytes: UInt64
    var reason: Errno
  }

  private let directory: String
  private let retention: LogRetention
  private var segment: LogSegment
  private var file: SharedDescriptor?
  private var offset: UInt64 = 0
  private var buffer = ChunkBuffer()
  /// The streams, as bits, whose last chunk did not end a line.
  private var openLines: UInt8 = 0
  private var loss: Loss?

  /// Nothing is made before the first chunk: a silent run leaves no file.
  /// - Parameters:
  ///   - directory: made with the first chunk when it does not exist.
  ///   - run: greater than that of earlier runs.
  package init(directory: String, run: UInt32, _ retention: LogRetention = .everything) {
    self.directory = directory
    self.retention = retention
    segment = LogSegment(run: run)
  }

  /// How many bytes are lost that no notice tells of yet.
  package var unreportedLoss: UInt64 { loss?.bytes ?? 0 }

  /// Reads once from `source` and appends what came.
  ///
  /// A log that cannot be written is not an error of this call (see above). The end of a terminal, EIO (ioctl_tty(2)), is an end
  /// of file.
  /// - Throws: what read(2) says.
  package mutating func pump(
    _ stream: LogStream, from source: FileDescriptor
  ) throws(SystemCallError) -> PumpResult {
    do throws(SystemCallError) {
      guard try buffer.fill(from: source, limit: chunkLimit) > 0 else { return .endOfFile }
    } catch  where error.errno == .resourceTemporarilyUnavailable {
      return .wouldBlock
    } catch  where error.errno == .ioError {
      return .endOfFile
    }
    appendChunk(to: stream)
    return .read(buffer.count)
  }

  /// Appends bytes that come from elsewhere than a descriptor.
  package mutating func append(_ bytes: [UInt8], to stream: LogStream) {
    var rest = bytes[...]
    while !rest.isEmpty {
      buffer.fill(with: rest)
      appendChunk(to: stream)
      rest = rest.dropFirst(buffer.count)
    }
  }

  /// Tries for a last time to tell of what was lost. Afterwards nothing may be written.
  package consuming func finish() {
    if loss != nil { reportLoss() }
  }

  /// What fits into a segment, as far as that is not tiny.
  private var chunkLimit: Int {
    guard case .segments(_, let size) = retention else { return ChunkBuffer.capacity }
    return min(ChunkBuffer.capacity, max(4096, Int(clamping: size) - LogRecordHeader.size))
  }

  private mutating func appendChunk(to stream: LogStream) {
    if retention == .nothing { return }
    let before = (segment: segment, offset: offset, loss: loss)
    if loss != nil { reportLoss() }
    guard loss == nil else { return lose(buffer.count, nil) }
    let bit = UInt8(1) << stream.rawValue
    let header = LogRecordHeader(
      stream, flags: openLines & bit == 0 ? [] : .continuesLine, count: buffer.count,
      realtime: KernelClock.realtime, monotonic: KernelClock.monotonic)
    do throws(SystemCallError) {
      let file = try openSegment(for: buffer.count)
      try buffer.write(header: header.words, to: file.borrowed, at: offset)
      offset += UInt64(LogRecordHeader.size + buffer.count)
      openLines = buffer.last == UInt8(ascii: "\n") ? openLines & ~bit : openLines | bit
    } catch {
      // A notice that found room where the chunk did not goes again: a full disk would be filled with notices.
      offset = segment == before.segment ? before.offset : 0
      loss = before.loss
      cutTornRecord()
      lose(buffer.count, error.errno)
    }
  }

  private mutating func lose(_ count: Int, _ reason: Errno?) {
    loss = Loss(bytes: (loss?.bytes ?? 0) + UInt64(count), reason: reason ?? loss?.reason ?? .ioError)
    openLines = 0
  }

  private mutating func reportLoss() {
    guard let lost = loss else { return }
    let text = Array("stack: \(lost.bytes) bytes of output were lost here: \(lost.reason)\n".utf8)
    let header = LogRecordHeader(
      .notice, flags: .afterLoss, count: text.count, realtime: KernelClock.realtime, monotonic: KernelClock.monotonic)
    do throws(SystemCallError) {
      let file = try openSegment(for: text.count)
      try Files.write(file.borrowed, at: offset, header.bytes + text)
      offset += UInt64(LogRecordHeader.size + text.count)
      loss = nil
    } catch {
      cutTornRecord()
    }
  }

  /// What a failed write left behind the last whole record. Should cutting fail as well, the next record overwrites it.
  private func cutTornRecord() {
    if let file { try? Files.truncate(file.borrowed, to: offset) }
  }

  /// The segment to write a record to: the open one, or the next when that is full.
  private mutating func openSegment(for count: Int) throws(SystemCallError) -> SharedDescriptor {
    if let file {
      guard case .segments(_, let size) = retention, offset > 0,
        offset + UInt64(LogRecordHeader.size + count) > size
      else { return file }
      segment.part += 1
      self.file = nil
      offset = 0
    }
    let opened = SharedDescriptor(try createSegment())
    file = opened
    return opened
  }

  /// A name that is taken, by a shim that had the same run number, is stepped over: nothing is appended to others' segments.
  private mutating func createSegment() throws(SystemCallError) -> OwnedDescriptor {
    while true {
      do throws(SystemCallError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        let opened = try Files.open("\(directory)/\(segment.name)", flags, mode: 0o600)
        removeOldSegments()
        return opened
      } catch  where error.errno == .fileExists && segment.part < 1 << 20 {
        segment.part += 1
      } catch  where error.errno == .noSuchFileOrDirectory {
        try Files.makeDirectories(directory)
      }
    }
  }

  /// Best effort: a segment that stays costs room, and the next one tries again.
  private func removeOldSegments() {
    guard case .segments(let count, _) = retention, let segments = try? LogSegment.all(in: directory) else { return }
    for old in segments.dropLast(max(1, count)) where old < segment {
      try? Files.removeFile("\(directory)/\(old.name)")
    }
  }
}
