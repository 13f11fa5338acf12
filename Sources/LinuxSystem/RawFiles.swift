import CLinuxShim
import Glibc
import SystemPackage

// The operations of `Files` on names that need not be UTF-8. All of them work on the name itself: none follows a link.
extension Files {
  package static func open(
    _ name: RawName, in directory: FileDescriptor, _ flags: CInt, mode: mode_t = 0
  ) throws(SystemCallError) -> OwnedDescriptor {
    let number = unsafe stk_openat(directory.rawValue, name.terminated, flags | O_NOFOLLOW, mode)
    return OwnedDescriptor(owning: try checked("open", on: name.text, number))
  }

  /// Opens a path below `root` that passes through no link, no mount, and no `..`.
  package static func open(
    exactly path: RawName, below root: FileDescriptor, _ flags: CInt
  ) throws(SystemCallError) -> OwnedDescriptor {
    let resolution: Resolution = [.beneath, .noSymlinks, .noMagicLinks, .noCrossingMounts]
    let number = unsafe stk_openat2(
      root.rawValue, path.terminated, UInt64(UInt32(bitPattern: flags)), 0, resolution.rawValue)
    return OwnedDescriptor(owning: try checked("openat2", on: path.text, number))
  }

  package static func makeDirectory(_ name: RawName, in directory: FileDescriptor) throws(SystemCallError) {
    try checkedErrno("mkdir", on: name.text, unsafe mkdirat(directory.rawValue, name.terminated, 0o755))
  }

  /// A new directory that everybody may read, whatever the umask.
  package static func makeOpenDirectory(
    _ name: RawName, in directory: FileDescriptor
  ) throws(SystemCallError) -> OwnedDescriptor {
    try makeDirectory(name, in: directory)
    let made = try open(name, in: directory, O_RDONLY | O_DIRECTORY)
    try checkedErrno("fchmod", on: name.text, fchmod(made.borrowed.rawValue, 0o755))
    return made
  }

  package static func makeNode(
    _ name: RawName, in directory: FileDescriptor, mode: mode_t, device: dev_t
  ) throws(SystemCallError) {
    try checkedErrno("mknod", on: name.text, unsafe mknodat(directory.rawValue, name.terminated, mode, device))
  }

  package static func makeLink(
    _ name: RawName, in directory: FileDescriptor, to target: RawName
  ) throws(SystemCallError) {
    try checkedErrno(
      "symlink", on: name.text, unsafe symlinkat(target.terminated, directory.rawValue, name.terminated))
  }

  package static func makeHardLink(
    _ name: RawName, in directory: FileDescriptor, to target: RawName, of targetDirectory: FileDescriptor
  ) throws(SystemCallError) {
    let result = unsafe linkat(
      targetDirectory.rawValue, target.terminated, directory.rawValue, name.terminated, 0)
    try checkedErrno("link", on: name.text, result)
  }

  package static func rename(
    _ name: RawName, of from: FileDescriptor, into directory: FileDescriptor
  ) throws(SystemCallError) {
    let result = unsafe renameat(from.rawValue, name.terminated, directory.rawValue, name.terminated)
    try checkedErrno("rename", on: name.text, result)
  }

  /// nil when there is nothing of this name.
  package static func status(_ name: RawName, in directory: FileDescriptor) throws(SystemCallError) -> stat? {
    var status = stat()
    let result = unsafe fstatat(directory.rawValue, name.terminated, &status, AT_SYMLINK_NOFOLLOW)
    if result < 0 && errno == ENOENT { return nil }
    try checkedErrno("stat", on: name.text, result)
    return status
  }

  package static func readLink(_ name: RawName, in directory: FileDescriptor) throws(SystemCallError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe stk_readlinkat(directory.rawValue, name.terminated, &buffer, buffer.count)
    return Array(buffer[..<(try checked("readlink", on: name.text, count))])
  }

  package static func setOwner(
    _ name: RawName, in directory: FileDescriptor, uid: uid_t, gid: gid_t
  ) throws(SystemCallError) {
    let result = unsafe fchownat(directory.rawValue, name.terminated, uid, gid, AT_SYMLINK_NOFOLLOW)
    try checkedErrno("chown", on: name.text, result)
  }

  package static func setModificationTime(
    _ name: RawName, in directory: FileDescriptor, _ time: timespec
  ) throws(SystemCallError) {
    let times = [time, time]
    let result = unsafe utimensat(directory.rawValue, name.terminated, times, AT_SYMLINK_NOFOLLOW)
    try checkedErrno("utimensat", on: name.text, result)
  }

  /// The names in a directory, without `.` and `..`, sorted by their bytes.
  package static func rawNames(of directory: FileDescriptor) throws(SystemCallError) -> [RawName] {
    let opened = try open(RawName("."), in: directory, O_RDONLY | O_DIRECTORY).release()
    guard let stream = unsafe fdopendir(opened.rawValue) else {
      let error = SystemCallError("fdopendir", .latest)
      _ = OwnedDescriptor(owning: opened)
      throw error
    }
    defer { unsafe closedir(stream) }
    var names: [RawName] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw SystemCallError("readdir", .latest) }
        return names.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
      }
      let bytes = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe Array($0.prefix { $0 != 0 }) }
      if bytes != Array(".".utf8) && bytes != Array("..".utf8) { names.append(RawName(bytes)) }
    }
  }

  /// pwrite(2) of all of `bytes`.
  package static func writeAll(
    _ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: UInt64
  ) throws(SystemCallError) {
    var done = 0
    while done < (bytes.count) {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
      let place = off_t(offset) + off_t(done)
      done += try retrying { unsafe pwrite(file.rawValue, rest.baseAddress, rest.count, place) }
        .read(or: "pwrite", on: nil)
    }
  }

  /// write(2) of all of `bytes`.
  package static func writeAll(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer) throws(SystemCallError) {
    var done = 0
    while done < (bytes.count) {
      let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[done...])
      done += try retrying { unsafe Glibc.write(file.rawValue, rest.baseAddress, rest.count) }
        .read(or: "write", on: nil)
    }
  }

  /// Copies a file's content, from where both are.
  package static func copyBytes(from source: FileDescriptor, to target: FileDescriptor) throws(SystemCallError) {
    while true {
      let count = stk_copy_file_range(source.rawValue, target.rawValue, 1 << 30)
      if count == 0 { return }
      // Pairs of file systems between which the kernel does not copy.
      if count < 0 { break }
    }
    while case let bytes = try readOnce(source, limit: 256 << 10), !bytes.isEmpty {
      try writeAll(target, array: bytes)
    }
  }
}
