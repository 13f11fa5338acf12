import Glibc
import SystemPackage

/// Memory between a descriptor that is read and a file that gets what was read behind a header of 24 bytes.
///
/// Header and chunk lie next to each other, so that one pwrite(2) takes both. Pages that no chunk needed are never touched: a
/// process that copies little costs little memory.
@safe package struct ChunkBuffer: ~Copyable {
  /// The most bytes of one chunk, and the size of a pipe (pipe(7)).
  package static let capacity = 64 << 10
  package static let headerSize = 24

  private let memory: UnsafeMutableRawPointer
  /// The size of the chunk read last.
  package private(set) var count = 0

  package init() {
    unsafe memory = UnsafeMutableRawPointer.allocate(byteCount: Self.headerSize + Self.capacity, alignment: 16)
  }

  deinit {
    unsafe memory.deallocate()
  }

  /// read(2): replaces the chunk by what `source` has, at most `limit` bytes of it.
  /// - Returns: its size; 0 is the end of the file.
  package mutating func fill(
    from source: FileDescriptor, limit: Int = ChunkBuffer.capacity
  ) throws(SystemCallError) -> Int {
    count = 0
    let size = min(limit, Self.capacity)
    let start = unsafe memory + Self.headerSize
    count = try retrying { unsafe Glibc.read(source.rawValue, start, size) }.read(or: "read", on: nil)
    return count
  }

  /// Replaces the chunk by `bytes`, which are cut at the capacity.
  package mutating func fill(with bytes: ArraySlice<UInt8>) {
    count = min(bytes.count, Self.capacity)
    let start = unsafe memory + Self.headerSize
    unsafe bytes.withUnsafeBytes { source in
      if let base = source.baseAddress { unsafe start.copyMemory(from: base, byteCount: count) }
    }
  }

  /// The last byte of the chunk; nil when it is empty.
  package var last: UInt8? {
    count == 0 ? nil : unsafe memory.load(fromByteOffset: Self.headerSize + count - 1, as: UInt8.self)
  }

  /// pwrite(2) of the header, as three little-endian words, and the chunk. After an error a part may be in the file.
  package mutating func write(
    header: (UInt64, UInt64, UInt64), to file: FileDescriptor, at offset: UInt64
  ) throws(SystemCallError) {
    unsafe memory.storeBytes(of: header.0.littleEndian, as: UInt64.self)
    unsafe memory.storeBytes(of: header.1.littleEndian, toByteOffset: 8, as: UInt64.self)
    unsafe memory.storeBytes(of: header.2.littleEndian, toByteOffset: 16, as: UInt64.self)
    let total = Self.headerSize + count
    var written = 0
    while written < total {
      let start = unsafe memory + written
      let position = off_t(offset) + off_t(written)
      written += try retrying { unsafe pwrite(file.rawValue, start, total - written, position) }
        .read(or: "pwrite", on: nil)
    }
  }
}
