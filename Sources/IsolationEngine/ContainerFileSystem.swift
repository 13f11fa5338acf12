import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// The files of a container as it sees them, from outside: every path is resolved below its root, links included.
package struct ContainerFileSystem {
  private let root: RootDirectory
  /// Keeps the layers of a container that does not run mounted.
  private let overlay: PreparedMount?
  /// What would be mounted in a container that does not run, the deepest first.
  private let mounts: [Mounted]
  /// The host's number of the container's root.
  package let ownerOffset: UInt32

  private struct Mounted {
    let target: [Substring]
    /// Keeps what is mounted below it there.
    let mount: PreparedMount
    let place: RootDirectory

    init(_ path: String, _ mount: PreparedMount) throws(LaunchError) {
      target = path.split(separator: "/")
      self.mount = mount
      place = RootDirectory(
        owning: try attempt("mount \(path)") { try Files.open(".", in: mount.descriptor, O_PATH | O_DIRECTORY) })
    }
  }

  /// - Parameter running: its first process; without one, the layers of its root are put together for the caller alone.
  package init(_ container: ContainerSpecification, running: ProcessIdentity?) throws(LaunchError) {
    let users = container.namespaces.users
    ownerOffset = users?.base ?? 0
    if let running {
      mounts = []
      overlay = nil
      root = RootDirectory(owning: try attempt("open root file system") { try running.openRoot() })
      return
    }
    var mapping: SharedDescriptor?
    if let users { mapping = SharedDescriptor(try attempt("make user namespace") { try users.namespace() }) }
    let layers = OverlayRoot(container, owner: ownerOffset, mapping: mapping?.borrowed)
    let mounted = try attempt("mount root file system") { PreparedMount(try layers.make()) }
    overlay = mounted
    root = RootDirectory(
      owning: try attempt("open root file system") {
        try Files.open(".", in: mounted.descriptor, O_PATH | O_DIRECTORY)
      })
    let callers = try CallerMaps(container, root: mounted.descriptor)
    let ownFiles = try attempt("make files for /etc") { try OwnFiles() }
    var mounts: [Mounted] = []
    for specification in container.mounts where specification.source.isOfMachine {
      let entry = try attempt("mount \(specification.target)") {
        try Preparation.entry(
          specification, users: users, mapping: mapping?.borrowed, callers: callers, root: mounted.descriptor,
          ownFiles: ownFiles)
      }
      guard case .mount(let mount, isDirectory: true) = entry.content else { continue }
      mounts.append(try Mounted(specification.target, mount))
    }
    self.mounts = mounts.sorted { $0.target.count > $1.target.count }
  }

  /// Opens the root itself, without what is mounted in it.
  package func openRoot() throws(SystemCallError) -> OwnedDescriptor {
    try Files.open(".", in: root.descriptor, O_RDONLY | O_DIRECTORY)
  }

  /// Opens what is at a path (O_PATH unless said otherwise), following links inside the container.
  package func open(_ path: String, _ flags: CInt = O_PATH) throws(SystemCallError) -> OwnedDescriptor {
    let components = path.split(separator: "/").filter { $0 != "." }
    for mount in mounts where components.starts(with: mount.target) {
      let rest = components.dropFirst(mount.target.count)
      return try mount.place.open(rest.isEmpty ? "/" : rest.joined(separator: "/"), flags)
    }
    return try root.open(path.isEmpty ? "/" : path, flags)
  }
}

extension ProcessIdentity {
  /// The root directory of a process, as it sees it.
  package func openRoot() throws(SystemCallError) -> OwnedDescriptor {
    // The pidfd first: as long as it says that the process lives, the number is its own.
    guard let process = try open() else { throw SystemCallError("open", on: "process \(self)", .noSuchProcess) }
    let root = try Files.open("/proc/\(pid)/root", O_PATH | O_DIRECTORY)
    if process.hasEnded { throw SystemCallError("open", on: "process \(self)", .noSuchProcess) }
    return root
  }
}
