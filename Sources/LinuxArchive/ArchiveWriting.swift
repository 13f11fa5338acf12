import CArchive
import Glibc
import LinuxSystem
import SystemPackage

/// A libarchive writer whose output is collected in memory until it is taken.
@safe final class ArchiveWriting {
  let handle: OpaquePointer
  /// What was written and not yet taken.
  private(set) var output = OutputBuffer()

  init(_ configure: (OpaquePointer) -> CInt) throws(ArchiveError) {
    guard let handle = unsafe archive_write_new() else { throw .malformed("out of memory") }
    unsafe self.handle = unsafe handle
    // No blocks: what is written comes out at once, and nothing is added at the end.
    unsafe archive_write_set_bytes_per_block(handle, 0)
    unsafe archive_write_set_bytes_in_last_block(handle, 1)
    try check(unsafe configure(handle))
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    let opened = unsafe archive_write_open(
      handle, context, nil,
      { _, context, bytes, count in
        guard let context = unsafe context else { return -1 }
        let writing = unsafe Unmanaged<ArchiveWriting>.fromOpaque(context).takeUnretainedValue()
        unsafe writing.output.append(UnsafeRawBufferPointer(start: bytes, count: count))
        return count
      }, nil)
    try check(opened)
  }

  deinit {
    unsafe archive_write_free(handle)
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    let count = unsafe archive_write_data(handle, bytes.baseAddress, bytes.count)
    if count != bytes.count { try check(ARCHIVE_FATAL) }
  }

  /// Writes what belongs at the end.
  func close() throws(ArchiveError) {
    try check(unsafe archive_write_close(handle))
  }

  func check(_ result: CInt) throws(ArchiveError) {
    if result >= ARCHIVE_WARN { return }
    let text = unsafe archive_error_string(handle)
    throw .malformed(unsafe text.map { unsafe String(cString: $0) } ?? "it cannot be written")
  }
}

/// Memory that grows, at an address that stays until it grows again.
@safe final class OutputBuffer {
  private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 512 << 10, alignment: 16)
  private(set) var count = 0

  deinit {
    unsafe memory.deallocate()
  }

  var bytes: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(rebasing: memory[..<count]) }

  func append(_ bytes: UnsafeRawBufferPointer) {
    if unsafe count + bytes.count > memory.count {
      let larger = unsafe UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(memory.count * 2, count + bytes.count), alignment: 16)
      unsafe larger.copyMemory(from: self.bytes)
      unsafe memory.deallocate()
      unsafe memory = larger
    }
    unsafe UnsafeMutableRawBufferPointer(rebasing: memory[count...]).copyMemory(from: bytes)
    count += bytes.count
  }

  func removeAll() { count = 0 }
}

/// A file that is written through zstd.
final class ZstandardFile {
  private static let flushedAt = 256 << 10

  private let file: FileDescriptor
  private let writing: ArchiveWriting

  init(_ file: FileDescriptor) throws(ArchiveError) {
    self.file = file
    writing = unsafe try ArchiveWriting { handle in
      unsafe min(archive_write_set_format_raw(handle), archive_write_add_filter_zstd(handle))
    }
    let entry = unsafe archive_entry_new()
    defer { unsafe archive_entry_free(entry) }
    unsafe archive_entry_set_filetype(entry, UInt32(Glibc.S_IFREG))
    try writing.check(unsafe archive_write_header(writing.handle, entry))
  }

  func write(_ bytes: ArraySlice<UInt8>) throws(ArchiveError) {
    let pieces = unsafe bytes.withUnsafeBytes { bytes -> Result<Void, ArchiveError> in
      do throws(ArchiveError) { return .success(try unsafe writing.write(bytes)) } catch { return .failure(error) }
    }
    try pieces.get()
    if writing.output.count >= Self.flushedAt { try flush() }
  }

  func finish() throws(ArchiveError) {
    try writing.close()
    try flush()
  }

  private func flush() throws(ArchiveError) {
    try onDisk { () throws(SystemCallError) in try unsafe Files.writeAll(file, writing.output.bytes) }
    writing.output.removeAll()
  }
}
