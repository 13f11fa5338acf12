import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// Device nodes for a container with a user namespace of its own, where none can be made that works: they are made on the
/// host's side, and become bind mounts.
struct CreatedNodes {
  private let nodes: [PreparedMount?]

  /// - Parameters:
  ///   - owners: what the container's numbers are on the host.
  ///   - path: a directory of the host's root alone, where they are for as long as the container is.
  init(_ devices: [DeviceNode], owners: OwnerMap, in path: String) throws(LaunchError) {
    let directory = try attempt("make devices") { try Files.open(path, O_RDONLY | O_DIRECTORY) }
    var nodes: [PreparedMount?] = []
    for (number, device) in devices.enumerated() {
      // A FIFO works wherever it is made.
      nodes.append(
        device.kind == .fifo
          ? nil
          : try attempt("make device \(device.path)") {
            PreparedMount(try Self.mount(device, number: number, owners, in: directory.borrowed))
          })
    }
    self.nodes = nodes
  }

  /// Nodes that are not needed.
  init(none devices: [DeviceNode]) {
    nodes = devices.map { _ in nil }
  }

  /// The node at this place of the list, if it was made.
  subscript(number: Int) -> PreparedMount? { nodes[number] }

  private static func mount(
    _ device: DeviceNode, number: Int, _ owners: OwnerMap, in directory: FileDescriptor
  ) throws(SystemCallError) -> DetachedMount {
    let name = "device\(number)"
    try device.make(named: name, in: directory, owners: owners)
    let mount = try DetachedMount(cloning: name, in: directory, followLinks: false)
    // Where the directory is, devices may be off.
    try mount.set([.noSetUserID, .noExecution], clearing: .noDevices)
    return mount
  }
}

extension DeviceNode {
  var type: mode_t {
    switch kind {
    case .character: S_IFCHR
    case .block: S_IFBLK
    case .fifo: S_IFIFO
    }
  }

  var number: dev_t { stk_makedev(major, minor) }

  /// mknod(2), whose mode the umask does not change.
  /// - Parameter owners: nil: the numbers are meant as they are.
  func make(
    named name: String, in directory: FileDescriptor, owners: OwnerMap? = nil
  ) throws(SystemCallError) {
    let permissions = mode_t(mode & 0o7777)
    let descriptor = directory.rawValue
    try checkedErrno("mknod", on: path, unsafe mknodat(descriptor, name, type | permissions, number))
    try checkedErrno("chmod", on: path, unsafe fchmodat(descriptor, name, permissions, 0))
    let (user, group) = (owners?.user(uid) ?? uid, owners?.group(gid) ?? gid)
    if user != 0 || group != 0 {
      try checkedErrno("chown", on: path, unsafe fchownat(descriptor, name, user, group, AT_SYMLINK_NOFOLLOW))
    }
  }
}
