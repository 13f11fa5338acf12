import LinuxSystem
import SystemPackage

/// Streams that are put into a file.
package enum Spool {
  /// Writes all of a source, as it is.
  /// - Parameter limit: more bytes than this are an error.
  package static func copy(
    _ source: any ByteSource, to file: FileDescriptor, limit: UInt64
  ) throws(ArchiveError) -> (digest: Digest, size: UInt64) {
    let hashing = HashingSource(source)
    while case let piece = unsafe try hashing.next(), unsafe !piece.isEmpty {
      if hashing.count > limit { throw .limit("not enough space on the file system") }
      try onDisk { () throws(SystemCallError) in try unsafe Files.writeAll(file, piece) }
    }
    return (hashing.digest(), hashing.count)
  }

  /// The digest of all of a source.
  package static func digest(of source: any ByteSource) throws(ArchiveError) -> Digest {
    let hashing = HashingSource(source)
    try hashing.drain()
    return hashing.digest()
  }

  /// Writes all of a source, decompressed if it is compressed.
  package static func copyPlain(
    _ source: any ByteSource, to file: FileDescriptor, limit: UInt64
  ) throws(ArchiveError) -> UInt64 {
    try copy(Decompression.plain(source).source, to: file, limit: limit).size
  }

  /// Whether a file begins as something that `copyPlain` decompresses.
  package static func isCompressed(_ file: SharedDescriptor, size: UInt64) throws(ArchiveError) -> Bool {
    try Decompression.plain(FileSource(file, count: min(size, 512))).wasCompressed
  }
}
