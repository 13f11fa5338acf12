import Glibc
import LinuxSystem
import SystemPackage

/// A stream of bytes that is pulled piece by piece.
package protocol ByteSource: AnyObject {
  /// The next piece, valid until the next call; empty at the end, and ever after.
  func next() throws(ArchiveError) -> UnsafeRawBufferPointer
  /// Passes over up to `count` bytes without looking at them.
  /// - Returns: how many; 0 when the source has to be read instead.
  func skip(_ count: Int) throws(ArchiveError) -> Int
}

extension ByteSource {
  package func skip(_ count: Int) throws(ArchiveError) -> Int { 0 }

  /// Writes all that is left to a file.
  package func write(to file: FileDescriptor) throws(ArchiveError) {
    while case let piece = unsafe try next(), unsafe !piece.isEmpty {
      try onDisk { () throws(SystemCallError) in try unsafe Files.writeAll(file, piece) }
    }
  }

  /// Reads what is left.
  func drain() throws(ArchiveError) {
    while unsafe try !next().isEmpty {}
  }
}

/// The bytes of a file or pipe, or of a part of a file.
@safe package final class FileSource: ByteSource {
  private let file: SharedDescriptor
  private let buffer: UnsafeMutableRawBufferPointer
  /// nil reads a stream from where it is.
  private var offset: UInt64?
  /// What is still to be read; nil is up to the end.
  private var rest: UInt64?

  /// Reads a stream up to its end.
  package init(stream file: SharedDescriptor) {
    self.file = file
    unsafe buffer = .allocate(byteCount: 256 << 10, alignment: 4096)
  }

  /// Reads `count` bytes of a file from `offset`; a file that is too short is an error.
  package init(_ file: SharedDescriptor, at offset: UInt64 = 0, count: UInt64) {
    self.file = file
    self.offset = offset
    rest = count
    unsafe buffer = .allocate(byteCount: 256 << 10, alignment: 4096)
  }

  deinit {
    unsafe buffer.deallocate()
  }

  package func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
    let wanted = unsafe Int(min(UInt64(buffer.count), rest ?? .max))
    var filled = 0
    while filled < wanted {
      let count = try onDisk { () throws(SystemCallError) in try read(at: filled, upTo: wanted - filled) }
      if count == 0 { break }
      filled += count
    }
    if let rest {
      if filled < wanted { throw .malformed("it ends too early") }
      self.rest = rest - UInt64(filled)
    }
    return unsafe UnsafeRawBufferPointer(rebasing: buffer[..<filled])
  }

  private func read(at start: Int, upTo count: Int) throws(SystemCallError) -> Int {
    let target = unsafe buffer.baseAddress?.advanced(by: start)
    guard let position = offset else {
      return try retrying { unsafe Glibc.read(file.borrowed.rawValue, target, count) }.read(or: "read", on: nil)
    }
    let outcome = retrying { unsafe pread(file.borrowed.rawValue, target, count, off_t(position)) }
    let done = try outcome.read(or: "pread", on: nil)
    offset = position + UInt64(done)
    return done
  }

  package func skip(_ count: Int) -> Int {
    guard let offset, let rest else { return 0 }
    let skipped = min(rest, UInt64(max(0, count)))
    self.offset = offset + skipped
    self.rest = rest - skipped
    return Int(skipped)
  }
}

/// A source whose first piece was looked at.
@safe final class PeekedSource: ByteSource {
  private let source: any ByteSource
  private var first: UnsafeRawBufferPointer?

  init(_ source: any ByteSource) throws(ArchiveError) {
    self.source = source
    unsafe first = try source.next()
  }

  func starts(with bytes: [UInt8]) -> Bool {
    unsafe first?.starts(with: bytes) ?? false
  }

  func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
    if let piece = unsafe first {
      unsafe first = nil
      return unsafe piece
    }
    return try unsafe source.next()
  }
}

/// Counts and hashes what passes.
final class HashingSource: ByteSource {
  private let source: any ByteSource
  private var hash = SHA256()
  private(set) var count: UInt64 = 0

  init(_ source: any ByteSource) {
    self.source = source
  }

  func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
    let piece = unsafe try source.next()
    unsafe hash.update(piece)
    count += UInt64(piece.count)
    return unsafe piece
  }

  /// The digest of all that passed. Nothing may pass afterwards.
  func digest() -> Digest { hash.finish() }
}
