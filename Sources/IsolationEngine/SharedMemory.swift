import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// The /dev/shm of a container whose IPC namespace it does not have for itself: POSIX shared memory (shm_overview(7)) is
/// files, so that who shares the one has to share the other.
struct SharedMemory {
  /// A copy of what the owner of the IPC namespace has there; nil for a container with a namespace of its own.
  static func mount(for container: ContainerSpecification) throws -> PreparedMount? {
    switch container.namespaces.communication {
    case .own: nil
    case .host: PreparedMount(try DetachedMount(cloning: "/dev/shm"))
    case .of(let process): try mount(of: process)
    }
  }

  /// Only from inside a mount namespace can its mounts be copied (open_tree(2)), so this process, which has one thread, goes
  /// there and comes back.
  private static func mount(of owner: ProcessIdentity) throws -> PreparedMount {
    guard let process = try owner.open() else { throw SystemCallError("setns", on: "its owner", .noSuchProcess) }
    let home = try Files.open("/proc/self/ns/mnt", O_RDONLY)
    let root = try Files.open("/", O_PATH | O_DIRECTORY)
    let directory = try Files.open(".", O_PATH | O_DIRECTORY)
    try checked("setns", stk_setns(process.descriptor.rawValue, CLONE_NEWNS))
    let copy = Result { try copyOfSharedMemory() }
    // There is no going on in the owner's namespace.
    try checked("setns", on: "the machine", stk_setns(home.borrowed.rawValue, CLONE_NEWNS))
    try checkedErrno("fchdir", on: "/", fchdir(root.borrowed.rawValue))
    try checkedErrno("chroot", on: ".", unsafe chroot("."))
    try checkedErrno("fchdir", fchdir(directory.borrowed.rawValue))
    return try copy.get()
  }

  /// The path is the owner's to change: no link in it is followed.
  private static func copyOfSharedMemory() throws -> PreparedMount {
    let root = try Files.open("/", O_PATH | O_DIRECTORY)
    let flags = O_PATH | O_DIRECTORY
    let place = try Files.open("dev/shm", below: root.borrowed, [.inRoot, .noSymlinks], flags)
    return PreparedMount(try DetachedMount(cloning: "", in: place.borrowed))
  }
}
