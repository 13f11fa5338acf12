import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// Extended attributes that a layer may give to a file.
///
/// `trusted.*` and `user.overlay.*` steer overlayfs, and labels of security modules are the machine's: a layer has no say in them.
enum ExtendedAttributes {
  private static let mostBytes = 1 << 20

  static func isAcceptable(_ name: RawName) -> Bool {
    let bytes = name.bytes
    return FileCapability.isNamed(name)
      || bytes.starts(with: "user.".utf8) && !bytes.starts(with: "user.overlay.".utf8)
  }

  static func set(
    _ attributes: [(name: RawName, value: [UInt8])], on file: FileDescriptor
  ) throws(SystemCallError) {
    for (name, value) in attributes where isAcceptable(name) {
      let result = unsafe stk_fsetxattr(file.rawValue, name.terminated, value, value.count)
      // A file system without user attributes, such as tmpfs before Linux 6.6, does without; capabilities must not get lost.
      if result == -EOPNOTSUPP && name.bytes.starts(with: "user.".utf8) { continue }
      try checked("fsetxattr", on: name.text, result)
    }
  }

  /// - Parameter root: the host's number of the user to whom capabilities are to be root's.
  static func all(
    of file: FileDescriptor, seenBy root: UInt32 = 0
  ) throws(SystemCallError) -> [(name: RawName, value: [UInt8])] {
    var list = [UInt8](repeating: 0, count: 64 << 10)
    let count = unsafe stk_flistxattr(file.rawValue, &list, list.count)
    if count == -Int(EOPNOTSUPP) { return [] }
    try checked("flistxattr", count)
    var attributes: [(name: RawName, value: [UInt8])] = []
    for bytes in list[..<count].split(separator: 0) {
      let name = RawName(bytes)
      guard isAcceptable(name) else { continue }
      var value = [UInt8](repeating: 0, count: 64 << 10)
      let length = unsafe stk_fgetxattr(file.rawValue, name.terminated, &value, value.count)
      try checked("fgetxattr", on: name.text, length)
      let read = Array(value[..<length])
      attributes.append((name, FileCapability.isNamed(name) ? FileCapability.value(read, seenBy: root) : read))
    }
    return attributes
  }
}

/// Owner, permission bits, time and extended attributes of a file.
struct FileAttributes {
  var uid: uid_t
  var gid: gid_t
  var permissions: mode_t
  var modificationTime: timespec
  var extended: [(name: RawName, value: [UInt8])] = []

  init(_ entry: TarEntry) throws(ArchiveError) {
    (uid, gid) = try entry.owner()
    permissions = entry.permissions
    modificationTime = entry.modificationTime
    extended = entry.extendedAttributes()
  }

  /// The attributes of an open file or directory.
  init(of file: FileDescriptor) throws(SystemCallError) {
    let status = try Files.status(file)
    self.init(status)
    extended = try ExtendedAttributes.all(of: file)
  }

  /// Without extended attributes.
  init(_ status: stat) {
    uid = status.st_uid
    gid = status.st_gid
    permissions = status.st_mode & 0o7777
    modificationTime = status.st_mtim
  }

  /// Sets all of them but the time. The order matters: a change of owner clears set-user-ID bits and capabilities (chown(2)).
  func apply(to file: FileDescriptor) throws(SystemCallError) {
    try checkedErrno("fchown", fchown(file.rawValue, uid, gid))
    try checkedErrno("fchmod", fchmod(file.rawValue, permissions))
    try ExtendedAttributes.set(extended, on: file)
  }

  /// After the last write.
  func applyTime(to file: FileDescriptor) throws(SystemCallError) {
    try checkedErrno("futimens", unsafe futimens(file.rawValue, [modificationTime, modificationTime]))
  }

  /// Sets owner and time, and the permission bits unless it is a link, of something that cannot be opened.
  func apply(to name: RawName, in directory: FileDescriptor, isLink: Bool) throws(SystemCallError) {
    try Files.setOwner(name, in: directory, uid: uid, gid: gid)
    if !isLink {
      // Not a link, as the caller has just made it: nothing is followed.
      let result = unsafe fchmodat(directory.rawValue, name.terminated, permissions, 0)
      try checkedErrno("chmod", on: name.text, result)
    }
    try Files.setModificationTime(name, in: directory, modificationTime)
  }
}
