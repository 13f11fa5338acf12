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
  /// Passes on the file, open on a read-only mount that is in no mount namespace.
  package static func withFile<Result>(
    _ body: (FileDescriptor) throws(SystemCallError) -> Result
  ) throws(SystemCallError) -> Result {
    // Of such a mount there is no copy, and no need for one.
    if try isOutOfReach {
      let file = try Files.open("/proc/self/exe", O_PATH)
      return try body(file.borrowed)
    }
    let mount = try DetachedMount(cloning: "/proc/self/exe")
    try mount.set(.readOnly)
    return try body(mount.descriptor)
  }

  /// Starts the program in a session of its own, from such a mount and without an environment.
  ///
  /// - Parameters:
  ///   - arguments: those after the program's name.
  ///   - number: the descriptor that the process has the program's file as.
  /// - Returns: its pid: the caller's child, to be reaped.
  package static func start(
    _ arguments: [String], as number: CInt, descriptors: [CInt: FileDescriptor]
  ) throws(SystemCallError) -> pid_t {
    try withFile { (program) throws(SystemCallError) in
      var spawn = Spawn(
        path: "/proc/self/fd/\(number)", arguments: ["stack"] + arguments, environment: [],
        descriptors: descriptors.merging([number: program]) { _, file in file })
      spawn.newSession = true
      return try spawn.start()
    }
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

  /// Whether processes of a user namespace could write to the file, if they had it open, wherever it is mounted.
  ///
  /// Without a mapping of its owner their capabilities do not reach it (user_namespaces(7)), and nobody else may write to it.
  /// - Parameter isMapped: whether the namespace has a number for a user of the machine.
  package static func isWritable(whereMapped isMapped: (uid_t) -> Bool) throws(SystemCallError) -> Bool {
    let file = try Files.open("/proc/self/exe", O_PATH)
    let status = try Files.status(file.borrowed)
    return isMapped(status.st_uid) || status.st_mode & (S_IWGRP | S_IWOTH) != 0
  }

  /// Executes the program again, through such a mount; returns when that is how it is executed already.
  package static func moveOutOfReach(_ arguments: [String]) throws(SystemCallError) {
    if try isOutOfReach { return }
    let environment = Spawn.ownEnvironment
    try withFile { (program) throws(SystemCallError) in
      let path = "/proc/self/fd/\(program.rawValue)"
      let result = unsafe withCStrings(arguments) { argv in
        unsafe withCStrings(environment) { envp in unsafe stk_execve(path, argv, envp) }
      }
      try checked("execve", on: path, result)
    }
  }
}
