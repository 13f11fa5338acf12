import LinuxMounts
import LinuxSystem
import SystemPackage

/// A container's root before it is put together: mounts that are in no mount namespace yet, held by descriptors.
///
/// The host side makes it; the container's process attaches it and puts the rest below it.
protocol PreparedRoot {
  var root: PreparedMount { get }

  /// In the container's mount namespace, still as the host's root: mounts what the host side made ready.
  func attach(for container: ContainerSpecification) throws(LaunchError)

  /// As root of the container's user namespace: mounts everything below the root.
  func assemble(_ container: ContainerSpecification, in root: RootDirectory) throws(LaunchError)

  /// The container's terminal, after `assemble`. The master of one that is made only now has to be given to the parent.
  func terminal(for container: ContainerSpecification, in root: RootDirectory) throws(LaunchError) -> (
    terminal: Terminal, isNew: Bool
  )?
}

extension Preparation: PreparedRoot {
  func attach(for container: ContainerSpecification) throws(LaunchError) {
    // The root covers the engine's own files, which are reached by descriptor, and both go with the old root.
    try attempt("mount files for /etc") { try ownFiles.attach(at: container.directory) }
    try attempt("mount root file system") { try root.attach(at: container.directory) }
  }

  func assemble(_ container: ContainerSpecification, in root: RootDirectory) throws(LaunchError) {
    try RootAssembly(container, root: root).assemble(self)
  }

  func terminal(for container: ContainerSpecification, in root: RootDirectory) -> (terminal: Terminal, isNew: Bool)? {
    terminal.map { ($0, false) }
  }
}
