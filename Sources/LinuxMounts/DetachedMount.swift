import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// Flags of one mount (mount_setattr(2), MOUNT_ATTR_*).
package struct MountAttributes: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }

  package static var readOnly: Self { .init(rawValue: STK_MOUNT_ATTR_RDONLY) }
  package static var noSetUserID: Self { .init(rawValue: STK_MOUNT_ATTR_NOSUID) }
  package static var noDevices: Self { .init(rawValue: STK_MOUNT_ATTR_NODEV) }
  package static var noExecution: Self { .init(rawValue: STK_MOUNT_ATTR_NOEXEC) }
  package static var noSymlinks: Self { .init(rawValue: STK_MOUNT_ATTR_NOSYMFOLLOW) }
  package static var noDirectoryAccessTime: Self { .init(rawValue: STK_MOUNT_ATTR_NODIRATIME) }
  package static var noAccessTime: Self { .init(rawValue: STK_MOUNT_ATTR_NOATIME) }
  package static var strictAccessTime: Self { .init(rawValue: STK_MOUNT_ATTR_STRICTATIME) }
  /// The three ways to keep access times are one value of several bits: it is cleared as a whole before one is set.
  package static var accessTimes: Self { .init(rawValue: STK_MOUNT_ATTR_ATIME_MASK) }
}

/// What becomes of mounts that are made below a mount (mount_namespaces(7)).
package enum MountPropagation: String, Hashable, Sendable {
  case `private`
  case shared
  case slave
  case unbindable

  var flag: UInt64 {
    switch self {
    case .private: STK_MS_PRIVATE
    case .shared: STK_MS_SHARED
    case .slave: STK_MS_SLAVE
    case .unbindable: STK_MS_UNBINDABLE
    }
  }
}

/// A mount that is in no mount namespace yet: only its descriptor holds it, so it is gone when its process is.
///
/// Needs CAP_SYS_ADMIN. Linux 5.2 (fsopen(2), open_tree(2), move_mount(2)).
package struct DetachedMount: ~Copyable, Sendable {
  private let owned: OwnedDescriptor

  private init(owning descriptor: CInt) {
    owned = OwnedDescriptor(owning: descriptor)
  }

  /// The root directory of the mount, also for `*at` calls.
  package var descriptor: FileDescriptor { owned.borrowed }

  /// A new file system: fsopen(2), fsconfig(2) with `options`, fsmount(2).
  ///
  /// An option with an empty value is a flag.
  package init(
    type: String, source: String? = nil, options: [(key: String, value: String)] = [],
    attributes: MountAttributes = []
  ) throws(SystemCallError) {
    let context = OwnedDescriptor(owning: try checked("fsopen", on: type, unsafe stk_fsopen(type)))
    let number = context.borrowed.rawValue
    func configure(_ command: UInt32, _ key: String?, _ value: String?) throws(SystemCallError) {
      let result = unsafe stk_fsconfig(number, command, key, value, 0)
      if result < 0 {
        // The kernel's own words, when it has any, say more than the error number.
        let words = Self.message(of: context.borrowed)
        let option = [key, value].compactMap { $0 }.joined(separator: "=")
        let object = [type, option, words].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: " ")
        throw SystemCallError("fsconfig", on: object, Errno(rawValue: -result))
      }
    }
    if let source { try configure(STK_FSCONFIG_SET_STRING, "source", source) }
    for option in options {
      if option.value.isEmpty {
        try configure(STK_FSCONFIG_SET_FLAG, option.key, nil)
      } else {
        try configure(STK_FSCONFIG_SET_STRING, option.key, option.value)
      }
    }
    try configure(STK_FSCONFIG_CMD_CREATE, nil, nil)
    let mount = stk_fsmount(number, UInt32(attributes.rawValue))
    self.init(owning: try checked("fsmount", on: type, mount))
  }

  /// What the kernel had to say about the last failure of a file system context, if anything.
  private static func message(of context: FileDescriptor) -> String? {
    // Best effort: without a message the error number stands alone.
    guard let bytes = try? Files.readOnce(context, limit: 1024), bytes.count > 2 else { return nil }
    return "(" + String(decoding: bytes.dropFirst(2), as: UTF8.self).filter { $0 != "\n" } + ")"
  }

  /// A copy of what is mounted at `path`, like a bind mount (open_tree(2) OPEN_TREE_CLONE).
  package init(
    cloning path: String, in directory: FileDescriptor? = nil, recursive: Bool = false, followLinks: Bool = true
  ) throws(SystemCallError) {
    var flags = STK_OPEN_TREE_CLONE
    if recursive { flags |= STK_AT_RECURSIVE }
    if !followLinks { flags |= STK_AT_SYMLINK_NOFOLLOW }
    if path.isEmpty { flags |= STK_AT_EMPTY_PATH }
    let tree = unsafe stk_open_tree(directory?.rawValue ?? -100, path, flags)
    self.init(owning: try checked("open_tree", on: path, tree))
  }

  /// The flags that it has (statvfs(3)).
  package func attributes() throws(SystemCallError) -> MountAttributes {
    var status = statvfs()
    try checkedErrno("fstatvfs", unsafe fstatvfs(descriptor.rawValue, &status))
    let flags = status.f_flag
    func has(_ flag: UInt) -> Bool { flags & flag != 0 }
    var attributes: MountAttributes = []
    if has(1) { attributes.insert(.readOnly) }
    if has(2) { attributes.insert(.noSetUserID) }
    if has(4) { attributes.insert(.noDevices) }
    if has(8) { attributes.insert(.noExecution) }
    if has(1 << 11) { attributes.insert(.noDirectoryAccessTime) }
    if has(1 << 10) {
      attributes.insert(.noAccessTime)
    } else if !has(1 << 12) {
      attributes.insert(.strictAccessTime)
    }
    return attributes
  }

  /// mount_setattr(2) on this mount, or on all mounts below it as well.
  package func set(
    _ attributes: MountAttributes, clearing cleared: MountAttributes = [], recursive: Bool = false
  ) throws(SystemCallError) {
    let flags = STK_AT_EMPTY_PATH | (recursive ? STK_AT_RECURSIVE : 0)
    let result = unsafe stk_mount_setattr(
      descriptor.rawValue, "", flags, attributes.rawValue, cleared.rawValue, 0, -1)
    try checked("mount_setattr", result)
  }

  /// How mounts made below it spread to its copies (mount_namespaces(7)), also for all mounts below it.
  package func set(_ propagation: MountPropagation, recursive: Bool = false) throws(SystemCallError) {
    let flags = STK_AT_EMPTY_PATH | (recursive ? STK_AT_RECURSIVE : 0)
    try checked(
      "mount_setattr", on: "propagation",
      unsafe stk_mount_setattr(descriptor.rawValue, "", flags, 0, 0, propagation.flag, -1))
  }

  /// Whether mounts at and below this are seen in other mount namespaces, and theirs here: one of MS_PRIVATE, MS_SLAVE and
  /// MS_SHARED (mount_namespaces(7)).
  package func set(propagation: CInt) throws(SystemCallError) {
    let flags = STK_AT_EMPTY_PATH | STK_AT_RECURSIVE
    let result = unsafe stk_mount_setattr(descriptor.rawValue, "", flags, 0, 0, UInt64(propagation), -1)
    try checked("mount_setattr", on: "propagation", result)
  }

  /// Maps the owners of all files through a user namespace (MOUNT_ATTR_IDMAP, Linux 5.12; not every file system can).
  package func mapOwners(through userNamespace: FileDescriptor, recursive: Bool = false) throws(SystemCallError) {
    let flags = STK_AT_EMPTY_PATH | (recursive ? STK_AT_RECURSIVE : 0)
    let result = unsafe stk_mount_setattr(
      descriptor.rawValue, "", flags, STK_MOUNT_ATTR_IDMAP, 0, 0, userNamespace.rawValue)
    try checked("mount_setattr", on: "idmap (can this file system map owners?)", result)
  }

  /// Mounts this at an open directory or file of the caller's mount namespace (move_mount(2)).
  ///
  /// The target is a descriptor, so nothing that happens to its path afterwards matters.
  package func attach(at target: FileDescriptor) throws(SystemCallError) {
    let flags = STK_MOVE_MOUNT_F_EMPTY_PATH | STK_MOVE_MOUNT_T_EMPTY_PATH
    try checked("move_mount", unsafe stk_move_mount(descriptor.rawValue, "", target.rawValue, "", flags))
  }

  /// Mounts this at a path.
  package func attach(at path: String) throws(SystemCallError) {
    let result = unsafe stk_move_mount(descriptor.rawValue, "", -100, path, STK_MOVE_MOUNT_F_EMPTY_PATH)
    try checked("move_mount", on: path, result)
  }
}

/// A detached mount that can be put into collections.
package final class PreparedMount {
  private let mount: DetachedMount

  package init(_ mount: consuming DetachedMount) {
    self.mount = mount
  }

  package var descriptor: FileDescriptor { mount.descriptor }

  package func set(
    _ attributes: MountAttributes, clearing cleared: MountAttributes = [], recursive: Bool = false
  ) throws(SystemCallError) {
    try mount.set(attributes, clearing: cleared, recursive: recursive)
  }
  package func set(_ propagation: MountPropagation, recursive: Bool = false) throws(SystemCallError) {
    try mount.set(propagation, recursive: recursive)
  }

  package func attach(at target: FileDescriptor) throws(SystemCallError) { try mount.attach(at: target) }
  package func attach(at path: String) throws(SystemCallError) { try mount.attach(at: path) }
}
