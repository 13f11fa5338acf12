import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

extension UserMapping {
  /// Writes the maps of a new user namespace (user_namespaces(7)). Needs CAP_SETUID and CAP_SETGID in its parent.
  func apply(to pid: pid_t) throws(SystemCallError) {
    let line = "0 \(base) \(count)\n"
    try Files.write(line, to: "/proc/\(pid)/uid_map")
    try Files.write(line, to: "/proc/\(pid)/gid_map")
  }

  /// A user namespace with this mapping that no process is in: for idmapped mounts, which only take its mapping.
  ///
  /// The calling process must be single-threaded.
  func namespace() throws(SystemCallError) -> OwnedDescriptor {
    let line = "0 \(base) \(count)\n"
    return try Self.namespace(uids: line, gids: line)
  }

  /// The same with any maps, as uid_map and gid_map take them.
  static func namespace(uids: String, gids: String) throws(SystemCallError) -> OwnedDescriptor {
    let gate = try DescriptorPair.pipe()
    guard let child = try ClonedProcess.clone(CLONE_NEWUSER) else {
      // Lives until the parent has opened the namespace: the end of the pipe says so.
      var byte: UInt8 = 0
      close(gate.second.borrowed.rawValue)
      _ = unsafe read(gate.first.borrowed.rawValue, &byte, 1)
      _exit(0)
    }
    func open() throws(SystemCallError) -> OwnedDescriptor {
      try Files.write(uids, to: "/proc/\(child.pid)/uid_map")
      try Files.write(gids, to: "/proc/\(child.pid)/gid_map")
      return try Files.open("/proc/\(child.pid)/ns/user")
    }
    do throws(SystemCallError) {
      let namespace = try open()
      try child.handle.signal(SIGKILL)
      _ = try child.handle.reap()
      return namespace
    } catch {
      // Best effort: the failure to report is the first one.
      try? child.handle.signal(SIGKILL)
      _ = try? child.handle.reap()
      throw error
    }
  }
}
