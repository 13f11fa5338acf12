import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// The file of this program, where no container can write to it.
///
/// A process of ours that becomes a container's program may be made to execute itself once more: `/proc/self/exe` as the
/// command, or in the first line of a script. The container then has that file, and could open it for writing when nobody
/// executes it any more (CVE-2019-5736). Through a read-only mount it cannot.
package enum OwnProgram {
  /// A read-only mount of the file, in no mount namespace.
  package static func mount() throws(SystemCallError) -> PreparedMount {
    let mount = try DetachedMount(cloning: "/proc/self/exe")
    try mount.set(.readOnly)
    return PreparedMount(mount)
  }

  /// Whether this process executes the file through a read-only mount.
  package static var isOutOfReach: Bool {
    get throws(SystemCallError) {
      let file = try Files.open("/proc/self/exe", O_PATH)
      var status = statvfs()
      try checkedErrno("fstatvfs", unsafe fstatvfs(file.borrowed.rawValue, &status))
      return status.f_flag & UInt(ST_RDONLY) != 0
    }
  }

  /// Executes the program again, through such a mount; returns when that is how it is executed already.
  package static func moveOutOfReach(_ arguments: [String], environment: [String]) throws(SystemCallError) {
    if try isOutOfReach { return }
    let program = try mount()
    let path = "/proc/self/fd/\(program.descriptor.rawValue)"
    let result = unsafe withCStrings(arguments) { argv in
      unsafe withCStrings(environment) { envp in unsafe stk_execve(path, argv, envp) }
    }
    try checked("execve", on: path, result)
  }
}
