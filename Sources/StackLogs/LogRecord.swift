import LinuxSystem

/// Where the bytes of a record come from.
package enum LogStream: UInt8, Sendable, Hashable, CaseIterable {
  case standardOutput = 1
  case standardError = 2
  /// What the log says about itself, for example that output was lost.
  case notice = 3
}

/// What stands before the bytes of each chunk in a segment.
///
/// Three little-endian words: magic, version, stream, flags (a byte each) and the size of the chunk (32 bits); CLOCK_REALTIME;
/// CLOCK_MONOTONIC. The chunk follows as it was read.
package struct LogRecordHeader: Sendable, Hashable {
  package struct Flags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// The first byte does not start a line: the last chunk of the same stream did not end one.
    package static let continuesLine = Flags(rawValue: 1)
    /// Output is missing before this record: no line goes on across it.
    package static let afterLoss = Flags(rawValue: 2)
  }

  package static let size = ChunkBuffer.headerSize
  private static let magic: UInt64 = 0xB7
  private static let version: UInt64 = 1

  package var stream: LogStream
  package var flags: Flags
  /// Bytes after the header: at most `ChunkBuffer.capacity`.
  package var count: Int
  /// Nanoseconds since 1970.
  package var realtime: UInt64
  /// Nanoseconds since boot: the order among all logs of this machine.
  package var monotonic: UInt64

  package init(_ stream: LogStream, flags: Flags = [], count: Int, realtime: UInt64, monotonic: UInt64) {
    self.stream = stream
    self.flags = flags
    self.count = count
    self.realtime = realtime
    self.monotonic = monotonic
  }

  package var words: (UInt64, UInt64, UInt64) {
    let kind = Self.magic | Self.version << 8 | UInt64(stream.rawValue) << 16 | UInt64(flags.rawValue) << 24
    return (kind | UInt64(UInt32(truncatingIfNeeded: count)) << 32, realtime, monotonic)
  }

  package var bytes: [UInt8] {
    let words = words
    return [words.0, words.1, words.2].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }

  /// The header at `offset` of `bytes`; nil when there is none of this version, or not all of it.
  package init?(_ bytes: [UInt8], at offset: Int) {
    guard offset >= 0, bytes.count - offset >= Self.size else { return nil }
    let kind = Self.word(bytes, offset)
    let count = Int(kind >> 32)
    guard kind & 0xFFFF == Self.magic | Self.version << 8, count <= ChunkBuffer.capacity,
      let stream = LogStream(rawValue: UInt8(kind >> 16 & 0xFF))
    else { return nil }
    self.stream = stream
    flags = Flags(rawValue: UInt8(kind >> 24 & 0xFF))
    self.count = count
    realtime = Self.word(bytes, offset + 8)
    monotonic = Self.word(bytes, offset + 16)
  }

  private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in 0..<8 { word |= UInt64(bytes[offset + index]) << UInt64(8 * index) }
    return word
  }
}
