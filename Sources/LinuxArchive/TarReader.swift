import CArchive
import CLinuxShim
import Glibc
import LinuxSystem

/// The entries of a tar (ustar, pax, GNU), one after the other.
final class TarReader {
  private let reading: ArchiveReading

  init(_ source: any ByteSource) throws(ArchiveError) {
    reading = unsafe try ArchiveReading(source) { handle in
      unsafe min(archive_read_support_filter_none(handle), archive_read_support_format_tar(handle))
    }
  }

  /// The next entry, valid until the next call; nil at the end.
  func next() throws(ArchiveError) -> TarEntry? {
    var entry: OpaquePointer?
    let result = try unsafe reading.check(archive_read_next_header(reading.handle, &entry))
    guard result != ARCHIVE_EOF, let entry = unsafe entry else { return nil }
    return unsafe TarEntry(handle: entry)
  }

  /// Where in the stream the header of the latest entry begins; after the last entry, where the end marker does.
  var headerPosition: UInt64 { unsafe UInt64(max(0, archive_read_header_position(reading.handle))) }

  /// Where in the stream reading goes on: after `next()`, where the content of the entry begins.
  var position: UInt64 { unsafe UInt64(max(0, archive_filter_bytes(reading.handle, 0))) }

  /// The next piece of the content and its place in the file; nil at its end. Holes are passed over.
  func nextBlock() throws(ArchiveError) -> (bytes: UnsafeRawBufferPointer, offset: UInt64)? {
    var start: UnsafeRawPointer?
    var count = 0
    var offset: Int64 = 0
    let result = try unsafe reading.check(archive_read_data_block(reading.handle, &start, &count, &offset))
    if result == ARCHIVE_EOF { return nil }
    return unsafe (UnsafeRawBufferPointer(start: start, count: count), UInt64(max(0, offset)))
  }
}

/// One entry of a tar as its header describes it.
@safe struct TarEntry {
  enum Kind: Equatable {
    case file
    case directory
    case symbolicLink
    case hardLink
    case fifo
    case characterDevice
    case blockDevice
    case unknown
  }

  fileprivate let handle: OpaquePointer

  fileprivate init(handle: OpaquePointer) {
    unsafe self.handle = unsafe handle
  }

  var path: [UInt8] { unsafe Self.bytes(archive_entry_pathname(handle)) }
  var linkTarget: [UInt8] { unsafe Self.bytes(archive_entry_symlink(handle)) }
  var hardLinkTarget: [UInt8] { unsafe Self.bytes(archive_entry_hardlink(handle)) }
  /// For messages.
  var name: String { String(decoding: path, as: UTF8.self) }

  var kind: Kind {
    if unsafe archive_entry_hardlink(handle) != nil { return .hardLink }
    return switch unsafe mode_t(archive_entry_filetype(handle)) {
    case S_IFREG: .file
    case S_IFDIR: .directory
    case S_IFLNK: .symbolicLink
    case S_IFIFO: .fifo
    case S_IFCHR: .characterDevice
    case S_IFBLK: .blockDevice
    default: .unknown
    }
  }

  var size: UInt64 { unsafe UInt64(max(0, archive_entry_size(handle))) }
  var isSparse: Bool { unsafe archive_entry_sparse_count(handle) > 0 }
  var permissions: mode_t { unsafe mode_t(archive_entry_perm(handle)) & 0o7777 }
  var modificationTime: timespec {
    unsafe timespec(tv_sec: archive_entry_mtime(handle), tv_nsec: archive_entry_mtime_nsec(handle))
  }
  var deviceNumbers: (major: UInt64, minor: UInt64) {
    unsafe (UInt64(archive_entry_rdevmajor(handle)), UInt64(archive_entry_rdevminor(handle)))
  }

  /// User and group, which must be numbers that the kernel can give to a file.
  func owner() throws(ArchiveError) -> (uid: uid_t, gid: gid_t) {
    let ids = unsafe [archive_entry_uid(handle), archive_entry_gid(handle)]
    // 2^32 - 1 means "leave as it is" to chown(2).
    guard ids.allSatisfy({ (0..<Int64(UInt32.max)).contains($0) }) else {
      throw .entry(name, reason: "user or group number out of range")
    }
    return (uid_t(ids[0]), gid_t(ids[1]))
  }

  /// Extended attributes in the order of the header.
  func extendedAttributes() -> [(name: RawName, value: [UInt8])] {
    guard unsafe archive_entry_xattr_reset(handle) > 0 else { return [] }
    var attributes: [(RawName, [UInt8])] = []
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var count = 0
    while unsafe archive_entry_xattr_next(handle, &name, &value, &count) == ARCHIVE_OK {
      let bytes = unsafe UnsafeRawBufferPointer(start: value, count: count)
      attributes.append((unsafe RawName(Self.bytes(name)), unsafe Array(bytes)))
    }
    return attributes
  }

  private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
    guard let text = unsafe text else { return [] }
    return unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
  }
}
