import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// Device nodes for a container with a user namespace of its own, where none can be made that works: they are made on the
/// host's side, in a file system that is mounted nowhere, and become bind mounts.
struct CreatedNodes {
  private let nodes: [PreparedMount?]

  /// - Parameter owners: what the container's numbers are on the host.
  init(_ devices: [DeviceNode], owners: OwnerMap) throws(LaunchError) {
    let directory = try attempt("make devices") {
      try DetachedMount(type: "tmpfs", source: "tmpfs", options: [("mode", "0700"), ("size", "64k")])
    }
    var nodes: [PreparedMount?] = []
    for (number, device) in devices.enumerated() {
      // A FIFO works wherever it is made.
      if device.kind == .fifo {
        nodes.append(nil)
        continue
      }
      nodes.append(
        try attempt("make device \(device.path)") {
          try device.make(named: "\(number)", in: directory.descriptor, owners: owners)
          return PreparedMount(try Self.clone("\(number)", in: directory.descriptor, of: device))
        })
    }
    self.nodes = nodes
  }

  /// Nodes that are not needed.
  init(none devices: [DeviceNode]) {
    nodes = devices.map { _ in nil }
  }

  /// Whether the node at this place of the list was made.
  subscript(number: Int) -> PreparedMount? { nodes[number] }

  private static func clone(
    _ name: String, in directory: FileDescriptor, of device: DeviceNode
  ) throws(SystemCallError) -> DetachedMount {
    let mount: DetachedMount
    do throws(SystemCallError) {
      mount = try DetachedMount(cloning: name, in: directory, followLinks: false)
    } catch  where error.errno == .invalidArgument {
      // Before Linux 6.15 only what is mounted can be cloned: then the host's own node has to do.
      let there = try Files.status(device.path)
      guard there.st_mode & S_IFMT == device.type, there.st_rdev == device.number else { throw error }
      mount = try DetachedMount(cloning: device.path, followLinks: false)
    }
    try mount.set([.noSetUserID, .noExecution])
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
