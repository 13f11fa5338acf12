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
    for name in try Files.rawNames(of: source) {
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
    _ name: RawName, from source: FileDescriptor, to target: FileDescriptor
  ) throws(SystemCallError) {
    // Gone by now is as good as never there.
    guard let status = try Files.status(name, in: source) else { return }
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      try Files.makeDirectory(name, in: target)
      let from = try Files.open(name, in: source, O_RDONLY | O_DIRECTORY)
      let to = try Files.open(name, in: target, O_RDONLY | O_DIRECTORY)
      return try contents(of: from.borrowed, to: to.borrowed)
    case S_IFREG:
      let from = try Files.open(name, in: source, O_RDONLY)
      let to = try Files.open(name, in: target, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
      try Files.copyBytes(from: from.borrowed, to: to.borrowed)
      try copyAttributes(from: from.borrowed, to: to.borrowed)
    case S_IFLNK:
      try Files.makeLink(name, in: target, to: RawName(try Files.readLink(name, in: source)))
    default:
      try Files.makeNode(name, in: target, mode: status.st_mode, device: status.st_rdev)
    }
    try Files.setOwner(name, in: target, uid: owner(status.st_uid), gid: owner(status.st_gid))
    if status.st_mode & S_IFMT != S_IFLNK {
      // After the change of owner, which clears the set-user-ID bits. Not a link, so nothing is followed.
      let result = unsafe fchmodat(target.rawValue, name.terminated, status.st_mode & 0o7777, 0)
      try checkedErrno("chmod", on: name.text, result)
    }
    var times = [status.st_atim, status.st_mtim]
    let result = unsafe utimensat(target.rawValue, name.terminated, &times, AT_SYMLINK_NOFOLLOW)
    try checkedErrno("utimensat", on: name.text, result)
  }

  /// Copies the extended attributes that mean something away from their file system.
  private func copyAttributes(from source: FileDescriptor, to target: FileDescriptor) throws(SystemCallError) {
    var list = [UInt8](repeating: 0, count: 16 << 10)
    let size = unsafe stk_flistxattr(source.rawValue, &list, list.count)
    // A file system without extended attributes has none to copy.
    guard size > 0 else { return }
    for nameBytes in list[..<size].split(separator: 0) {
      let name = String(decoding: nameBytes, as: UTF8.self)
      guard name.hasPrefix("user.") || name == FileCapability.attribute || name.hasPrefix("system.posix_acl_") else {
        continue
      }
      var value = [UInt8](repeating: 0, count: 64 << 10)
      let length = unsafe stk_fgetxattr(source.rawValue, name, &value, value.count)
      try checked("fgetxattr", on: name, length)
      var written = Array(value[..<length])
      if name == FileCapability.attribute {
        // The namespace of a source with mapped owners is not that of a target without.
        written = FileCapability.value(written, seenBy: UInt32(clamping: -ownerOffset))
      }
      try checked("fsetxattr", on: name, unsafe stk_fsetxattr(target.rawValue, name, written, written.count))
    }
  }
}
