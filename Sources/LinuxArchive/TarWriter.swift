import CArchive
import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// Writes a tar: ustar, with pax headers where an entry needs them.
package final class TarWriter {
  private let writing: ArchiveWriting
  private let target: FileDescriptor?

  /// - Parameter target: gets the tar; without one, the output stays in memory to be taken.
  package init(to target: FileDescriptor?) throws(ArchiveError) {
    self.target = target
    // Names that are not ASCII get a pax header that says that they are bytes: in the C locale nothing can be converted.
    writing = unsafe try ArchiveWriting { handle in unsafe archive_write_set_format_pax_restricted(handle) }
  }

  var output: OutputBuffer { writing.output }

  /// A file of this content, owned by root, of the beginning of time: the same every time.
  package func add(file name: String, _ content: [UInt8]) throws(ArchiveError) {
    try begin(TarHeader(path: RawName(name), kind: .file, permissions: 0o644, size: UInt64(content.count)))
    try write(content)
    try flush()
  }

  /// A directory, likewise.
  package func add(directory name: String) throws(ArchiveError) {
    try begin(TarHeader(path: RawName(name), kind: .directory, permissions: 0o755))
    try flush()
  }

  /// A file with the content of a source, whose size and digest must be known before and are checked.
  package func add(
    file name: String, from source: any ByteSource, size: UInt64, digest: Digest
  ) throws(ArchiveError) {
    try begin(TarHeader(path: RawName(name), kind: .file, permissions: 0o644, size: size))
    let hashing = HashingSource(source)
    while case let piece = unsafe try hashing.next(), unsafe !piece.isEmpty {
      if hashing.count > size { throw .sizeMismatch(expected: size, actual: hashing.count) }
      try unsafe writing.write(piece)
      try flush()
    }
    let actual = hashing.digest()
    if hashing.count != size { throw .sizeMismatch(expected: size, actual: hashing.count) }
    if actual != digest { throw .digestMismatch(expected: digest, actual: actual) }
  }

  /// Writes the end marker.
  package func finish() throws(ArchiveError) {
    try writing.close()
    try flush()
  }

  private func flush() throws(ArchiveError) {
    guard let target else { return }
    try onDisk { () throws(SystemCallError) in try unsafe Files.writeAll(target, writing.output.bytes) }
    writing.output.removeAll()
  }

  func begin(_ header: TarHeader) throws(ArchiveError) {
    let entry = unsafe archive_entry_new()
    defer { unsafe archive_entry_free(entry) }
    unsafe archive_entry_copy_pathname(entry, header.path.terminated)
    unsafe archive_entry_set_filetype(entry, header.kind.fileType)
    unsafe archive_entry_set_perm(entry, header.permissions)
    unsafe archive_entry_set_uid(entry, Int64(header.uid))
    unsafe archive_entry_set_gid(entry, Int64(header.gid))
    unsafe archive_entry_set_size(entry, Int64(header.size))
    unsafe archive_entry_set_mtime(entry, header.modificationTime.tv_sec, header.modificationTime.tv_nsec)
    if header.kind == .symbolicLink { unsafe archive_entry_copy_symlink(entry, header.link.terminated) }
    if header.kind == .hardLink { unsafe archive_entry_copy_hardlink(entry, header.link.terminated) }
    if header.kind == .characterDevice || header.kind == .blockDevice {
      unsafe archive_entry_set_rdev(entry, header.device)
    }
    for (name, value) in header.extended {
      unsafe archive_entry_xattr_add_entry(entry, name.terminated, value, value.count)
    }
    try writing.check(unsafe archive_write_header(writing.handle, entry))
  }

  func write(_ bytes: [UInt8]) throws(ArchiveError) {
    let outcome = unsafe bytes.withUnsafeBytes { bytes -> Result<Void, ArchiveError> in
      do throws(ArchiveError) { return .success(try unsafe writing.write(bytes)) } catch { return .failure(error) }
    }
    try outcome.get()
  }

  /// Content of the entry that was begun.
  func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
    try unsafe writing.write(bytes)
  }
}

/// What the header of a tar entry says.
struct TarHeader {
  var path: RawName
  var kind: TarEntry.Kind
  var permissions: mode_t
  var uid: uid_t = 0
  var gid: gid_t = 0
  var size: UInt64 = 0
  var modificationTime = timespec()
  /// The target of a symbolic or hard link.
  var link = RawName("")
  var device: dev_t = 0
  var extended: [(name: RawName, value: [UInt8])] = []
}

extension TarEntry.Kind {
  fileprivate var fileType: UInt32 {
    switch self {
    case .file, .hardLink, .unknown: UInt32(Glibc.S_IFREG)
    case .directory: UInt32(Glibc.S_IFDIR)
    case .symbolicLink: UInt32(Glibc.S_IFLNK)
    case .fifo: UInt32(Glibc.S_IFIFO)
    case .characterDevice: UInt32(Glibc.S_IFCHR)
    case .blockDevice: UInt32(Glibc.S_IFBLK)
    }
  }
}
