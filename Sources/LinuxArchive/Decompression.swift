import CArchive
import Glibc

/// The plain bytes of a gzip or zstd stream (all its members), with a limit on what a small stream may become.
final class Decompression: ByteSource {
  /// gzip makes at most 1,030 bytes of one; file systems with their logs and zero-filled data files stay below 100.
  private static let highestRatio: UInt64 = 400
  /// Streams up to this size may have any ratio.
  private static let alwaysAllowed: UInt64 = 256 << 20

  private let reading: ArchiveReading
  private let compressed: CountedSource
  private var produced: UInt64 = 0
  private var isOver = false

  private init(_ source: any ByteSource) throws(ArchiveError) {
    compressed = CountedSource(source)
    reading = unsafe try ArchiveReading(compressed) { handle in
      let results = unsafe [
        archive_read_support_format_raw(handle), archive_read_support_format_empty(handle),
        archive_read_support_filter_gzip(handle), archive_read_support_filter_zstd(handle),
      ]
      return results.min() ?? ARCHIVE_FATAL
    }
    var entry: OpaquePointer?
    isOver = try unsafe reading.check(archive_read_next_header(reading.handle, &entry)) == ARCHIVE_EOF
  }

  /// The plain bytes of `source`: decompressed when they begin as a known compression, else as they are.
  /// - Returns: the plain bytes, and whether they were compressed.
  static func plain(_ source: any ByteSource) throws(ArchiveError) -> (source: any ByteSource, wasCompressed: Bool) {
    let peeked = try PeekedSource(source)
    if peeked.starts(with: [0x1f, 0x8b]) || peeked.starts(with: [0x28, 0xb5, 0x2f, 0xfd]) {
      return (try Decompression(peeked), true)
    }
    if peeked.starts(with: [0xfd, 0x37, 0x7a, 0x58, 0x5a]) {
      throw .malformed("xz compression is not supported: decompress it first (unxz)")
    }
    if peeked.starts(with: Array("BZh".utf8)) {
      throw .malformed("bzip2 compression is not supported: decompress it first (bunzip2)")
    }
    return (peeked, false)
  }

  func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
    if isOver { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    var start: UnsafeRawPointer?
    var count = 0
    var offset: Int64 = 0
    repeat {
      let result = try unsafe reading.check(archive_read_data_block(reading.handle, &start, &count, &offset))
      if result == ARCHIVE_EOF {
        isOver = true
        return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
      }
    } while count == 0
    produced += UInt64(count)
    if produced > Self.alwaysAllowed && produced / Self.highestRatio > compressed.count {
      throw .limit("compressed data that becomes more than \(Self.highestRatio) times its size")
    }
    return unsafe UnsafeRawBufferPointer(start: start, count: count)
  }
}

private final class CountedSource: ByteSource {
  private let source: any ByteSource
  private(set) var count: UInt64 = 0

  init(_ source: any ByteSource) {
    self.source = source
  }

  func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
    let piece = unsafe try source.next()
    count += UInt64(piece.count)
    return unsafe piece
  }
}
