import CLinuxShim
import Glibc
import SystemPackage

/// File operations that keep the kernel's error, work below an open directory, and never follow what they should not.
package enum Files {
  /// openat(2), close-on-exec.
  package static func open(
    _ path: String, in directory: FileDescriptor? = nil, _ flags: CInt = O_RDONLY, mode: mode_t = 0
  ) throws(SystemCallError) -> OwnedDescriptor {
    let descriptor = unsafe stk_openat(directory?.rawValue ?? AT_FDCWD, path, flags, mode)
    return OwnedDescriptor(owning: try checked("open", on: path, descriptor))
  }

  /// A file without a name, in memory only (memfd_create(2)).
  package static func memory(named name: String) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(owning: try checked("memfd_create", on: name, unsafe stk_memfd(name)))
  }

  /// What path resolution may do (openat2(2) RESOLVE_*).
  package struct Resolution: OptionSet, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    /// The directory is the root: absolute paths and `..` stay below it.
    package static var inRoot: Resolution { .init(rawValue: STK_RESOLVE_IN_ROOT) }
    package static var beneath: Resolution { .init(rawValue: STK_RESOLVE_BENEATH) }
    package static var noMagicLinks: Resolution { .init(rawValue: STK_RESOLVE_NO_MAGICLINKS) }
    package static var noSymlinks: Resolution { .init(rawValue: STK_RESOLVE_NO_SYMLINKS) }
    package static var noCrossingMounts: Resolution { .init(rawValue: STK_RESOLVE_NO_XDEV) }
  }

  /// openat2(2) below `root`, close-on-exec.
  package static func open(
    _ path: String, below root: FileDescriptor, _ resolution: Resolution, _ flags: CInt, mode: mode_t = 0
  ) throws(SystemCallError) -> OwnedDescriptor {
    let descriptor = unsafe stk_openat2(
      root.rawValue, path, UInt64(UInt32(bitPattern: flags)), UInt64(mode), resolution.rawValue)
    return OwnedDescriptor(owning: try checked("openat2", on: path, descriptor))
  }

  /// openat2(2) below `root`; nil when the path leads nowhere (`ENOENT`, `ENOTDIR`).
  package static func openIfPresent(
    _ path: String, below root: FileDescriptor, _ resolution: Resolution, _ flags: CInt
  ) throws(SystemCallError) -> OwnedDescriptor? {
    let descriptor = unsafe stk_openat2(
      root.rawValue, path, UInt64(UInt32(bitPattern: flags)), 0, resolution.rawValue)
    if descriptor == -ENOENT || descriptor == -ENOTDIR { return nil }
    return OwnedDescriptor(owning: try checked("openat2", on: path, descriptor))
  }

  /// Everything that `descriptor` still has to give, at most `limit` bytes; more is an `EFBIG`.
  package static func readAll(
    _ descriptor: FileDescriptor, limit: Int = 64 << 20, object: String? = nil
  ) throws(SystemCallError) -> [UInt8] {
    var all: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = try retrying { unsafe Glibc.read(descriptor.rawValue, &chunk, chunk.count) }
        .read(or: "read", on: object)
      if count == 0 { return all }
      all.append(contentsOf: chunk[..<count])
      if all.count > limit { throw SystemCallError("read", on: object, .fileTooLarge) }
    }
  }

  /// What one read(2) gives, at most `limit` bytes.
  package static func readOnce(
    _ descriptor: FileDescriptor, limit: Int, object: String? = nil
  ) throws(SystemCallError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = try retrying { unsafe Glibc.read(descriptor.rawValue, &bytes, bytes.count) }.read(
      or: "read", on: object)
    return Array(bytes[..<count])
  }

  package static func readAll(
    _ path: String, in directory: FileDescriptor? = nil, limit: Int = 64 << 20
  ) throws(SystemCallError) -> [UInt8] {
    let file = try open(path, in: directory)
    return try readAll(file.borrowed, limit: limit, object: path)
  }

  /// The content of a file; nil when there is none.
  package static func readIfPresent(
    _ path: String, in directory: FileDescriptor? = nil, limit: Int = 64 << 20
  ) throws(SystemCallError) -> [UInt8]? {
    do throws(SystemCallError) {
      return try readAll(path, in: directory, limit: limit)
    } catch  where error.errno == .noSuchFileOrDirectory {
      return nil
    }
  }

  /// The text of a small file; bytes that are not UTF-8 become U+FFFD.
  package static func text(
    _ path: String, in directory: FileDescriptor? = nil, limit: Int = 1 << 20
  ) throws(SystemCallError) -> String {
    String(decoding: try readAll(path, in: directory, limit: limit), as: UTF8.self)
  }

  /// Writes all of `bytes`, however many calls that takes.
  package static func writeAll(
    _ descriptor: FileDescriptor, _ bytes: some Collection<UInt8>, object: String? = nil
  ) throws(SystemCallError) {
    let contiguous = ContiguousArray(bytes)
    var offset = 0
    while offset < contiguous.count {
      offset += try unsafe contiguous.withUnsafeBytes { buffer -> Outcome in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[offset...])
        return retrying { unsafe Glibc.write(descriptor.rawValue, rest.baseAddress, rest.count) }
      }.read(or: "write", on: object)
    }
  }

  /// Writes to a file that exists, or that `create` makes, in place: for kernel interfaces and files that nobody else reads.
  package static func write(
    _ text: String, to path: String, in directory: FileDescriptor? = nil, create mode: mode_t? = nil
  ) throws(SystemCallError) {
    let flags = mode == nil ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC
    let file = try open(path, in: directory, flags | O_NOFOLLOW, mode: mode ?? 0)
    try writeAll(file.borrowed, text.utf8, object: path)
  }

  /// Replaces a file as a whole: readers see the old or the new content, never a part. Not flushed to the disk.
  package static func replace(
    _ path: String, in directory: FileDescriptor? = nil, with bytes: some Collection<UInt8>, mode: mode_t = 0o600
  ) throws(SystemCallError) {
    // A file that is not there yet is simply made: one write(2) of a small file is whole even when its writer is killed.
    if bytes.count <= 4096, try create(path, in: directory, with: bytes, mode: mode) { return }
    let temporary = "\(path).\(stk_getpid()).tmp"
    do throws(SystemCallError) {
      let file = try open(temporary, in: directory, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
      try writeAll(file.borrowed, bytes, object: temporary)
      try rename(temporary, to: path, in: directory)
    } catch {
      // Best effort: the error that matters is the one being thrown.
      try? removeFile(temporary, in: directory)
      throw error
    }
  }

  /// - Returns: false when there is a file of this name.
  private static func create(
    _ path: String, in directory: FileDescriptor?, with bytes: some Collection<UInt8>, mode: mode_t
  ) throws(SystemCallError) -> Bool {
    do throws(SystemCallError) {
      let file = try open(path, in: directory, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
      try writeAll(file.borrowed, bytes, object: path)
      return true
    } catch  where error.errno == .fileExists {
      return false
    }
  }

  package static func rename(
    _ from: String, to: String, in directory: FileDescriptor? = nil
  ) throws(SystemCallError) {
    let base = directory?.rawValue ?? AT_FDCWD
    try checkedErrno("rename", on: "\(from) to \(to)", unsafe renameat(base, from, base, to))
  }

  /// unlink(2); a file that is already absent is success.
  package static func removeFile(_ path: String, in directory: FileDescriptor? = nil) throws(SystemCallError) {
    do throws(SystemCallError) {
      try checkedErrno("unlink", on: path, unsafe unlinkat(directory?.rawValue ?? AT_FDCWD, path, 0))
    } catch  where error.errno == .noSuchFileOrDirectory {}
  }

  /// rmdir(2); a directory that is already absent is success.
  package static func removeDirectory(_ path: String, in directory: FileDescriptor? = nil) throws(SystemCallError) {
    do throws(SystemCallError) {
      try checkedErrno("rmdir", on: path, unsafe unlinkat(directory?.rawValue ?? AT_FDCWD, path, AT_REMOVEDIR))
    } catch  where error.errno == .noSuchFileOrDirectory {}
  }

  /// mkdir(2); a directory that exists is success, and `false`.
  @discardableResult
  package static func makeDirectory(
    _ path: String, in directory: FileDescriptor? = nil, mode: mode_t = 0o700
  ) throws(SystemCallError) -> Bool {
    do throws(SystemCallError) {
      try checkedErrno("mkdir", on: path, unsafe mkdirat(directory?.rawValue ?? AT_FDCWD, path, mode))
      return true
    } catch  where error.errno == .fileExists {
      return false
    }
  }

  /// Makes a directory and its missing parents, like `mkdir -p`.
  package static func makeDirectories(_ path: String, mode: mode_t = 0o700) throws(SystemCallError) {
    do throws(SystemCallError) {
      try makeDirectory(path, mode: mode)
    } catch  where error.errno == .noSuchFileOrDirectory {
      guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { throw error }
      try makeDirectories(String(path[..<slash]), mode: mode)
      try makeDirectory(path, mode: mode)
    }
  }

  /// Whether something, also a dangling symbolic link, has this name.
  package static func exists(_ path: String, in directory: FileDescriptor? = nil) -> Bool {
    unsafe faccessat(directory?.rawValue ?? AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0
  }

  /// fstatat(2) without following a link at the end.
  package static func status(_ path: String, in directory: FileDescriptor? = nil) throws(SystemCallError) -> stat {
    var status = stat()
    let result = unsafe fstatat(directory?.rawValue ?? AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW)
    try checkedErrno("stat", on: path, result)
    return status
  }

  /// fstat(2).
  package static func status(_ descriptor: FileDescriptor) throws(SystemCallError) -> stat {
    var status = stat()
    try checkedErrno("fstat", unsafe fstat(descriptor.rawValue, &status))
    return status
  }

  /// readlink(2).
  package static func readLink(_ path: String, in directory: FileDescriptor? = nil) throws(SystemCallError) -> String {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe stk_readlinkat(directory?.rawValue ?? AT_FDCWD, path, &buffer, buffer.count)
    try checked("readlink", on: path, count)
    return String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// The names in a directory, without `.` and `..`, sorted by their bytes.
  package static func names(
    in path: String, of directory: FileDescriptor? = nil, limit: Int = .max
  ) throws(SystemCallError) -> [String] {
    let opened = try open(path, in: directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    return try names(of: opened, object: path, limit: limit)
  }

  /// The names in a directory; none when there is no such directory.
  package static func namesIfPresent(in path: String) throws(SystemCallError) -> [String] {
    do throws(SystemCallError) {
      return try names(in: path)
    } catch  where error.errno == .noSuchFileOrDirectory {
      return []
    }
  }

  package static func names(
    of directory: consuming OwnedDescriptor, object: String? = nil, limit: Int = .max
  ) throws(SystemCallError) -> [String] {
    let descriptor = directory.release()
    guard let stream = unsafe fdopendir(descriptor.rawValue) else {
      let error = SystemCallError("fdopendir", on: object, .latest)
      _ = OwnedDescriptor(owning: descriptor)
      throw error
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      if names.count >= limit { return names }
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        if errno != 0 { throw SystemCallError("readdir", on: object, .latest) }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      }
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
  }
}

/// What a call returned, with errno as it was right after it.
package struct Outcome {
  package let value: Int
  package let errno: CInt

  package func read(or call: String, on object: String?) throws(SystemCallError) -> Int {
    if value < 0 { throw SystemCallError(call, on: object, Errno(rawValue: errno)) }
    return value
  }
}

/// Makes a call that reports through `errno` until no signal interrupts it.
package func retrying(_ call: () -> Int) -> Outcome {
  while true {
    let value = call()
    if value >= 0 { return Outcome(value: value, errno: 0) }
    let error = errno
    if error != EINTR { return Outcome(value: value, errno: error) }
  }
}

extension Files {
  /// Puts an empty file (null(4)) in the place of standard input, for this process and for what gets it.
  package static func emptyStandardInput() throws(SystemCallError) {
    let empty = try open("/dev/null", O_RDONLY)
    try checkedErrno("dup2", dup2(empty.borrowed.rawValue, FileDescriptor.standardInput.rawValue))
  }
}
