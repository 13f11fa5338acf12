import CLinuxShim
import Glibc
import SystemPackage

/// Copies a tree of files with owners, modes, times and extended attributes, without following links.
package struct TreeCopy {
  /// Added to every owner and group: what an idmapped source shows too high, a negative number brings back.
  package var ownerOffset: Int64 = 0

  package init(ownerOffset: Int64 = 0) {
    self.ownerOffset = ownerOffset
  }

  /// Copies what is in `source` into `target`, an existing directory, which also gets the source's owner, mode and times.
  package func contents(of source: FileDescriptor, to target: FileDescriptor) throws(SystemCallError) {
    for name in try Files.names(in: ".", of: source) {
      try entry(name, from: source, to: target)
    }
    let status = try Files.status(source)
    try copyAttributes(from: source, to: target)
    try checkedErrno("fchown", fchown(target.rawValue, owner(status.st_uid), owner(status.st_gid)))
    try checkedErrno("fchmod", fchmod(target.rawValue, status.st_mode & 0o7777))
    var times = [status.st_atim, status.st_mtim]
    try checkedErrno("futimens", unsafe futimens(target.rawValue, &times))
  }

  private func owner(_ id: UInt32) -> UInt32 {
    UInt32(clamping: Int64(id) + ownerOffset)
  }

  private func entry(
    _ name: String, from source: FileDescriptor, to target: FileDescriptor
  ) throws(SystemCallError) {
    let status = try Files.status(name, in: source)
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      try Files.makeDirectory(name, in: target, mode: 0o700)
      let from = try Files.open(name, in: source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      let to = try Files.open(name, in: target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      return try contents(of: from.borrowed, to: to.borrowed)
    case S_IFREG:
      let from = try Files.open(name, in: source, O_RDONLY | O_NOFOLLOW)
      let to = try Files.open(name, in: target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      try copyBytes(from: from.borrowed, to: to.borrowed, name: name)
      try copyAttributes(from: from.borrowed, to: to.borrowed)
    case S_IFLNK:
      let link = try Files.readLink(name, in: source)
      try checkedErrno("symlink", on: name, unsafe symlinkat(link, target.rawValue, name))
    default:
      try checkedErrno("mknod", on: name, unsafe mknodat(target.rawValue, name, status.st_mode, status.st_rdev))
    }
    let (uid, gid) = (owner(status.st_uid), owner(status.st_gid))
    try checkedErrno("chown", on: name, unsafe fchownat(target.rawValue, name, uid, gid, AT_SYMLINK_NOFOLLOW))
    if status.st_mode & S_IFMT != S_IFLNK {
      // After the change of owner, which clears the set-user-ID bits. Not a link, so nothing is followed.
      try checkedErrno("chmod", on: name, unsafe fchmodat(target.rawValue, name, status.st_mode & 0o7777, 0))
    }
    var times = [status.st_atim, status.st_mtim]
    try checkedErrno("utimensat", on: name, unsafe utimensat(target.rawValue, name, &times, AT_SYMLINK_NOFOLLOW))
  }

  private func copyBytes(
    from source: FileDescriptor, to target: FileDescriptor, name: String
  ) throws(SystemCallError) {
    while true {
      let count = stk_copy_file_range(source.rawValue, target.rawValue, 1 << 30)
      if count < 0 { return try copyThroughBuffer(from: source, to: target, name: name) }
      if count == 0 { return }
    }
  }

  /// For pairs of file systems between which copy_file_range(2) cannot copy.
  private func copyThroughBuffer(
    from source: FileDescriptor, to target: FileDescriptor, name: String
  ) throws(SystemCallError) {
    while case let bytes = try Files.readOnce(source, limit: 256 << 10, object: name), !bytes.isEmpty {
      try Files.writeAll(target, bytes, object: name)
    }
  }

  /// Copies the extended attributes that mean something away from their file system.
  private func copyAttributes(from source: FileDescriptor, to target: FileDescriptor) throws(SystemCallError) {
    var list = [UInt8](repeating: 0, count: 16 << 10)
    let size = unsafe stk_flistxattr(source.rawValue, &list, list.count)
    // A file system without extended attributes has none to copy.
    guard size > 0 else { return }
    for nameBytes in list[..<size].split(separator: 0) {
      let name = String(decoding: nameBytes, as: UTF8.self)
      guard name.hasPrefix("user.") || name == "security.capability" || name.hasPrefix("system.posix_acl_") else {
        continue
      }
      var value = [UInt8](repeating: 0, count: 64 << 10)
      let length = unsafe stk_fgetxattr(source.rawValue, name, &value, value.count)
      try checked("fgetxattr", on: name, length)
      try checked("fsetxattr", on: name, unsafe stk_fsetxattr(target.rawValue, name, value, length))
    }
  }
}
