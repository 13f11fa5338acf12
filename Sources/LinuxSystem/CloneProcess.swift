import CLinuxShim
import Glibc
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

  /// The same in a user namespace that exists: it owns the namespaces that `flags` make.
  ///
  /// There is no way back out of a user namespace, so that a process in between enters it. The child is the caller's
  /// (CLONE_PARENT).
  package static func clone(
    _ flags: CInt, into cgroup: FileDescriptor?, inUserNamespace users: FileDescriptor
  ) throws(SystemCallError) -> ClonedProcess? {
    let (mine, its) = try DescriptorPair.messageSockets().split()
    guard let joiner = try clone(0, into: cgroup)?.handle else {
      var failure = stk_setns(users.rawValue, CLONE_NEWUSER)
      if failure == 0 {
        do throws(SystemCallError) {
          guard let child = try clone(flags | CLONE_PARENT) else { return nil }
          try Message.send([0], with: child.handle.descriptor, over: its.borrowed)
        } catch {
          failure = -error.errno.rawValue
        }
      }
      // Best effort: without a word the caller knows that it has failed.
      if failure != 0 { try? Message.send(Array("\(-failure)".utf8), over: its.borrowed) }
      _exit(0)
    }
    its.close()
    let answer = try Message.receiveWithDescriptor(over: mine.borrowed)
    _ = try joiner.reap()
    guard let child = answer?.descriptor else {
      let number = answer.flatMap { CInt(String(decoding: $0.bytes, as: UTF8.self)) }
      throw SystemCallError("setns", on: "user namespace", Errno(rawValue: number ?? EIO))
    }
    let handle = try ProcessHandle(duplicating: child.borrowed)
    return ClonedProcess(pid: try handle.pid, handle: handle)
  }
}
