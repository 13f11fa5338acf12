import CLinuxShim
import SystemPackage

/// What clone3(2) returns twice: nothing in the child, the child in the parent.
package struct ClonedProcess {
  package let pid: Int32
  package let handle: ProcessHandle

  /// Makes a child of the calling process, which must be single-threaded: both go on from here, as after fork(2).
  ///
  /// - Parameters:
  ///   - flags: CLONE_* without the flags that share memory.
  ///   - cgroup: the directory of a cgroup v2 in which the child is born.
  /// - Returns: nil in the child.
  package static func clone(
    _ flags: CInt, into cgroup: FileDescriptor? = nil
  ) throws(SystemCallError) -> ClonedProcess? {
    var arguments = stk_clone(
      flags: UInt64(UInt32(bitPattern: flags)), cgroup: cgroup?.rawValue ?? -1, pidfd: -1)
    let pid = try checked("clone3", unsafe stk_clone3(&arguments))
    if pid == 0 { return nil }
    return ClonedProcess(pid: pid, handle: ProcessHandle(owning: OwnedDescriptor(owning: arguments.pidfd)))
  }
}
