import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// What is done to the calling process's own mount namespace. Only for processes that have one to themselves.
package enum MountNamespace {
  /// Cuts the namespace off from the one that it was copied from: mounts are propagated neither way.
  package static func makePrivate() throws(SystemCallError) {
    try checked("mount", on: "/", unsafe stk_mount(nil, "/", nil, UInt(MS_REC | MS_PRIVATE), nil))
  }

  /// Sets how mounts spread from and to the whole namespace.
  package static func set(_ propagation: MountPropagation, recursive: Bool) throws(SystemCallError) {
    let flags = UInt(propagation.flag) | (recursive ? UInt(MS_REC) : 0)
    try checked("mount", on: "/", unsafe stk_mount(nil, "/", nil, flags, nil))
  }

  /// Makes `root` the root directory of the calling process alone (chroot(2)).
  package static func enter(_ root: FileDescriptor) throws(SystemCallError) {
    try checkedErrno("fchdir", fchdir(root.rawValue))
    try checked("chroot", on: ".", unsafe stk_chroot("."))
    try checkedErrno("chdir", on: "/", unsafe chdir("/"))
  }

  /// Makes `root` the root directory without pivot_root(2), which an initial RAM file system does not allow: what is below
  /// the old root stays mounted, out of sight.
  ///
  /// The kernel's own file systems do not: where one is mounted in full, whoever makes a user namespace may mount another,
  /// without what is masked or read-only (mount_too_revealing of the kernel).
  package static func chroot(to root: FileDescriptor) throws(SystemCallError) {
    let path = try Files.readLink("/proc/self/fd/\(root.rawValue)")
    for entry in try MountTable.current().reversed() where ["proc", "sysfs"].contains(entry.type) {
      if entry.path == path || entry.path.hasPrefix("\(path)/") { continue }
      do throws(SystemCallError) {
        try checked("umount2", on: entry.path, unsafe stk_umount2(entry.path, CInt(MNT_DETACH)))
      } catch  where error.errno == .invalidArgument {
        // It came with a more privileged namespace, and is locked: then it is covered.
        let place = try Files.open(entry.path, O_PATH)
        try DetachedMount(type: "tmpfs", source: "tmpfs", attributes: .readOnly).attach(at: place.borrowed)
      } catch  where error.errno == .noSuchFileOrDirectory {
        // It went with one above it.
      }
    }
    try checkedErrno("fchdir", fchdir(root.rawValue))
    try checked("mount", on: ".", unsafe stk_mount(".", "/", nil, UInt(MS_MOVE), nil))
    try checked("chroot", on: ".", unsafe stk_chroot("."))
    try checkedErrno("chdir", on: "/", unsafe chdir("/"))
  }

  /// Makes `root`, which must be a mount point, the root directory, and detaches everything else (pivot_root(2)).
  ///
  /// The two dots put the old root over the new one, from where it is detached at once: no directory is needed for it.
  package static func pivot(to root: FileDescriptor) throws(SystemCallError) {
    try checkedErrno("fchdir", fchdir(root.rawValue))
    try checked("pivot_root", unsafe stk_pivot_root(".", "."))
    try checked("umount2", on: "old root", unsafe stk_umount2(".", CInt(MNT_DETACH)))
    try checkedErrno("chdir", on: "/", unsafe chdir("/"))
  }

  /// Changes the flags of the mount that `path` is on, which must be its root.
  package static func remount(_ path: String, _ attributes: MountAttributes) throws(SystemCallError) {
    let result = unsafe stk_mount_setattr(-100, path, 0, attributes.rawValue, 0, 0, -1)
    try checked("mount_setattr", on: path, result)
  }

  /// The same of the mount that `place` is on.
  package static func remount(_ place: FileDescriptor, _ attributes: MountAttributes) throws(SystemCallError) {
    let result = unsafe stk_mount_setattr(place.rawValue, "", STK_AT_EMPTY_PATH, attributes.rawValue, 0, 0, -1)
    try checked("mount_setattr", result)
  }
}
