import Glibc
import LinuxMounts
import LinuxSystem
import StackModel
import StackStore
import SystemPackage

/// The supervisor of a stack, as commands see it: at most one process, which reacts to what happens between commands.
///
/// Its file is its lock (flock(2)): whoever holds it is the supervisor, or starts one. The lock is handed over with the open
/// file, so that there is no moment at which nobody holds it. Callers hold the project's lock.
package struct SupervisorSpawner {
  /// The descriptor that a supervisor is given: its locked file.
  package static let lockDescriptor: CInt = 3
  /// The program itself, as it is executed.
  package static let programDescriptor: CInt = 4

  let paths: StatePaths
  let project: String

  package init(paths: StatePaths, project: String) {
    self.paths = paths
    self.project = project
  }

  private var directory: ProjectDirectory { paths.project(project) }

  /// Starts a supervisor unless there is one; one that somebody has stopped (SIGSTOP) goes on. Does not wait for it: it finds
  /// out by itself what there is to do.
  package func ensure() throws(SystemCallError) {
    guard let lock = try heldByNobody() else {
      try current()?.open()?.signal(SIGCONT)
      return
    }
    let log = try Files.open(
      "\(directory.path)/supervisor.log", O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: 0o600)
    let null = try Files.open("/dev/null", O_RDWR)
    // It becomes what checks execute in containers.
    let pid = try OwnProgram.start(
      ["supervise", project, paths.run, paths.data], as: Self.programDescriptor,
      descriptors: [0: null.borrowed, 1: null.borrowed, 2: log.borrowed, Self.lockDescriptor: lock.descriptor])
    let identity = try ProcessIdentity(of: pid)
    try Files.truncate(lock.descriptor, to: 0)
    try Files.write(lock.descriptor, at: 0, identity.wireBytes)
  }

  private func heldByNobody() throws(SystemCallError) -> FileLock? {
    do throws(SystemCallError) {
      return try FileLock(directory.supervisorPath, wait: false)
    } catch  where error.errno == .wouldBlock || error.errno == .noSuchFileOrDirectory {
      return nil
    }
  }

  /// Starts a supervisor unless there is one, and gives a handle on the one there is.
  package func ensured() throws(SystemCallError) -> ProcessHandle? {
    try ensure()
    return try current()?.open()
  }

  /// The supervisor that there is; nil when there is none.
  package func current() throws(SystemCallError) -> ProcessIdentity? {
    // A file that is not whole is being written by who starts one, or was left by who was killed at it.
    guard let bytes = try Files.readIfPresent(directory.supervisorPath),
      let identity = try? ProcessIdentity(wireBytes: bytes), try identity.isAlive
    else { return nil }
    return identity
  }

  /// Ends the supervisor, and waits until it is gone.
  package func end() throws(SystemCallError) {
    guard let process = try current()?.open() else { return }
    try process.signal(SIGKILL)
    _ = process.waitForEnd(milliseconds: 5000)
  }
}
