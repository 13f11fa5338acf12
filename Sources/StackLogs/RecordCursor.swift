import Glibc
import LinuxSystem

/// Reads the records of one segment in order, as far as they are whole.
struct RecordCursor {
  struct Record {
    let header: LogRecordHeader
    /// Where the chunk is in `block`.
    let body: Range<Int>
  }

  enum Step {
    case record(Record)
    /// No whole record follows, yet or for ever: so many bytes of a torn one are left.
    case end(torn: Int)
    /// What follows is not a record.
    case damaged
  }

  /// Enough for some of the largest records.
  static let blockSize = 256 << 10

  private let file: SharedDescriptor
  private let path: String
  /// How far to read: the size of the file when it was looked at last.
  private(set) var limit: UInt64 = 0
  /// A part of the file. Lines are slices of it: it is replaced, never changed.
  private(set) var block: [UInt8] = []
  private var blockStart: UInt64
  private var position = 0

  /// - Parameter offset: the start of a record.
  init(_ path: String, from offset: UInt64 = 0) throws(SystemCallError) {
    self.path = path
    file = SharedDescriptor(try Files.open(path))
    blockStart = offset
    try lookAtSize()
  }

  /// Where the next record starts.
  var offset: UInt64 { blockStart + UInt64(position) }

  /// Lets `next` go on to the present end of the file.
  mutating func lookAtSize() throws(SystemCallError) {
    limit = UInt64(clamping: try Files.status(file.borrowed).st_size)
  }

  /// The next record with its chunk.
  mutating func next() throws(SystemCallError) -> Step {
    if let header = LogRecordHeader(block, at: position), block.count - position >= LogRecordHeader.size + header.count
    {
      return take(header)
    }
    try load(Self.blockSize)
    guard let header = LogRecordHeader(block, at: position) else {
      return block.count < LogRecordHeader.size ? .end(torn: block.count) : .damaged
    }
    guard block.count >= LogRecordHeader.size + header.count else { return .end(torn: block.count) }
    return take(header)
  }

  private mutating func take(_ header: LogRecordHeader) -> Step {
    let start = position + LogRecordHeader.size
    position = start + header.count
    return .record(Record(header: header, body: start..<position))
  }

  /// The header of the next record; its chunk is stepped over, and read only where it lies between small ones.
  mutating func nextHeader() throws(SystemCallError) -> LogRecordHeader? {
    if block.count - position < LogRecordHeader.size { try load(16 << 10) }
    guard let header = LogRecordHeader(block, at: position),
      offset + UInt64(LogRecordHeader.size + header.count) <= limit
    else { return nil }
    position += LogRecordHeader.size + header.count
    return header
  }

  /// Makes `block` what the file has from the next record on.
  private mutating func load(_ size: Int) throws(SystemCallError) {
    blockStart = offset
    position = 0
    let rest = limit > blockStart ? limit - blockStart : 0
    var bytes = [UInt8](repeating: 0, count: Int(min(rest, UInt64(size))))
    let count = try Files.read(file.borrowed, at: blockStart, into: &bytes)
    // A file that was cut meanwhile: a torn record was removed.
    if count < bytes.count { bytes.removeLast(bytes.count - count) }
    block = bytes
  }
}
