import Glibc
import SystemPackage

/// Reading and writing at an offset of a file, without a copy between.
extension Files {
  /// pread(2): fills `buffer` as far as the file goes.
  /// - Returns: how many bytes of `buffer` are now the file's; less than its size only at the end of the file.
  package static func read(
    _ descriptor: FileDescriptor, at offset: UInt64, into buffer: inout [UInt8]
  ) throws(SystemCallError) -> Int {
    var filled = 0
    while filled < buffer.count {
      let count = try unsafe buffer.withUnsafeMutableBytes { bytes -> Outcome in
        let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[filled...])
        let position = off_t(offset) + off_t(filled)
        return retrying { unsafe pread(descriptor.rawValue, rest.baseAddress, rest.count, position) }
      }.read(or: "pread", on: nil)
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// pwrite(2) of all of `bytes`. After an error a part of them may be in the file.
  package static func write(
    _ descriptor: FileDescriptor, at offset: UInt64, _ bytes: [UInt8]
  ) throws(SystemCallError) {
    var written = 0
    while written < bytes.count {
      written += try unsafe bytes.withUnsafeBytes { buffer -> Outcome in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
        let position = off_t(offset) + off_t(written)
        return retrying { unsafe pwrite(descriptor.rawValue, rest.baseAddress, rest.count, position) }
      }.read(or: "pwrite", on: nil)
    }
  }

  /// write(2) of all of `bytes`, from where they are.
  package static func writeAll(_ descriptor: FileDescriptor, array bytes: [UInt8]) throws(SystemCallError) {
    var written = 0
    while written < bytes.count {
      written += try unsafe bytes.withUnsafeBytes { buffer -> Outcome in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
        return retrying { unsafe Glibc.write(descriptor.rawValue, rest.baseAddress, rest.count) }
      }.read(or: "write", on: nil)
    }
  }

  /// ftruncate(2).
  package static func truncate(_ descriptor: FileDescriptor, to size: UInt64) throws(SystemCallError) {
    _ = try retrying { Int(ftruncate(descriptor.rawValue, off_t(size))) }.read(or: "ftruncate", on: nil)
  }
}

extension [UInt8] {
  /// The first index of `byte` in `range`, which is clamped to the array (memchr(3): many bytes a cycle).
  package func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
    let range = range.clamped(to: indices)
    return unsafe withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress, !range.isEmpty,
        let found = unsafe memchr(start + range.lowerBound, CInt(byte), range.count)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - start
    }
  }
}
