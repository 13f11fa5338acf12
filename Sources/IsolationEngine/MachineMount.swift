import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// A file system that the machine has mounted below its root, as a container on that root sees it (`rootfs: host`).
///
/// Each is an overlay with a writable layer of the container's own, as the root is: writes vanish with the container. What
/// cannot be a layer, such as a single file, is shown read-only.
struct MachineMount {
  let path: String
  let mount: PreparedMount

  static func all(
    for container: ContainerSpecification, owner: UInt32, mapping: FileDescriptor?
  ) throws(SystemCallError) -> [MachineMount] {
    var mounts: [MachineMount] = []
    for (index, entry) in try MountTable.fileSystems().enumerated() {
      let directory = "\(container.directory)/machine/\(index)"
      try Files.makeDirectories(directory)
      let overlay = OverlayRoot(container, layers: [entry.path], directory: directory, owner: owner, mapping: mapping)
      if let mount = try writable(overlay) {
        if container.root.isReadOnly { try mount.set(.readOnly) }
        mounts.append(MachineMount(path: entry.path, mount: PreparedMount(mount)))
      } else {
        mounts.append(MachineMount(path: entry.path, mount: PreparedMount(try readOnly(entry.path, mapping))))
      }
    }
    return mounts
  }

  /// How the kernel says that a file system cannot be a layer.
  private static let refusals: Set<Errno> = [.invalidArgument, .notDirectory, .notSupported, Errno(rawValue: ELOOP)]

  /// - Returns: nil when the file system cannot be a layer.
  private static func writable(_ overlay: OverlayRoot) throws(SystemCallError) -> DetachedMount? {
    do throws(SystemCallError) {
      return try overlay.make()
    } catch  where refusals.contains(error.errno) {
      return nil
    }
  }

  private static func readOnly(_ path: String, _ mapping: FileDescriptor?) throws(SystemCallError) -> DetachedMount {
    let mount = try DetachedMount(cloning: path, followLinks: false)
    try mount.set([.readOnly, .noSetUserID, .noDevices])
    if let mapping { try mount.mapOwners(through: mapping) }
    return mount
  }
}
