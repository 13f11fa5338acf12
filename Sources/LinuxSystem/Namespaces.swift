import CLinuxShim
import Glibc
import SystemPackage

package enum NetworkNamespace {
  /// setns(2): the calling thread enters the network namespace of a process.
  package static func join(_ process: ProcessHandle) throws(SystemCallError) {
    try checked("setns", on: "network namespace", stk_setns(process.descriptor.rawValue, CLONE_NEWNET))
  }
}

package enum ParentDeath {
  /// From now on the kernel kills the calling process when the thread that made it ends (PR_SET_PDEATHSIG).
  package static func follow() {
    // Fails only for an invalid signal.
    _ = stk_prctl(STK_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0)
  }
}

package enum FileSystems {
  /// Whether an open file is on a tmpfs (statfs(2)).
  package static func isMemory(_ descriptor: FileDescriptor) throws(SystemCallError) -> Bool {
    try checked("fstatfs", stk_fstatfs_type(descriptor.rawValue)) == 0x0102_1994
  }
}
