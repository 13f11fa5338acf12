import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// The container's /dev: a tmpfs with the usual nodes, made by the host side, since device nodes made in a user namespace
/// would not work.
struct DeviceDirectory {
  /// Owner of the nodes: the host's number of the container's root.
  let owner: UInt32

  private struct Node {
    let path: String
    let mode: mode_t
    let device: dev_t
  }

  private static let standardNodes: [(name: String, major: UInt32, minor: UInt32)] = [
    ("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0),
  ]
  private static let links = [
    ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"), ("ptmx", "pts/ptmx"),
  ]

  /// Makes the file system: not mounted anywhere yet.
  ///
  /// - Parameters:
  ///   - devices: nodes of the host whose target is below `/dev`.
  ///   - allOfHost: whether every device of the host is there too, as for a privileged container.
  func make(devices: [DeviceSpecification], allOfHost: Bool) throws(SystemCallError) -> DetachedMount {
    let mount = try DetachedMount(
      type: "tmpfs", source: "tmpfs", options: [("mode", "0755"), ("size", "65536k")], attributes: .noSetUserID)
    let root = mount.descriptor
    try own(".", in: root)
    for (name, major, minor) in Self.standardNodes {
      try make(Node(path: name, mode: S_IFCHR | 0o666, device: stk_makedev(major, minor)), in: root)
    }
    for (name, target) in Self.links {
      try checkedErrno("symlink", on: "/dev/\(name)", unsafe symlinkat(target, root.rawValue, name))
    }
    for name in ["pts", "shm", "mqueue"] {
      try Files.makeDirectory(name, in: root, mode: 0o755)
      try own(name, in: root)
    }
    if allOfHost { try makeAll(below: "", in: root) }
    for device in devices {
      let status = try status(ofDevice: device.source)
      let path = String(device.target.dropFirst("/dev/".count))
      try make(Node(path: path, mode: status.st_mode, device: status.st_rdev), in: root)
    }
    return mount
  }

  private func status(ofDevice path: String) throws(SystemCallError) -> stat {
    let file = try Files.open(path, O_PATH)
    let status = try Files.status(file.borrowed)
    guard [S_IFCHR, S_IFBLK].contains(status.st_mode & S_IFMT) else {
      throw SystemCallError("mknod", on: "\(path) (not a device)", .noDevice)
    }
    return status
  }

  private func make(_ node: Node, in root: FileDescriptor) throws(SystemCallError) {
    var directory = ""
    for part in node.path.split(separator: "/").dropLast() {
      directory += directory.isEmpty ? String(part) : "/\(part)"
      try Files.makeDirectory(directory, in: root, mode: 0o755)
      try own(directory, in: root)
    }
    try Files.removeFile(node.path, in: root)
    let name = "/dev/\(node.path)"
    try checkedErrno("mknod", on: name, unsafe mknodat(root.rawValue, node.path, node.mode, node.device))
    // mknod(2) is subject to the umask.
    try checkedErrno("chmod", on: name, unsafe fchmodat(root.rawValue, node.path, node.mode & 0o7777, 0))
    try own(node.path, in: root)
  }

  private func own(_ path: String, in root: FileDescriptor) throws(SystemCallError) {
    if owner == 0 { return }
    try checkedErrno("chown", on: path, unsafe fchownat(root.rawValue, path, owner, owner, AT_SYMLINK_NOFOLLOW))
  }

  private func makeAll(below path: String, in root: FileDescriptor) throws(SystemCallError) {
    for name in try Files.names(in: "/dev/\(path)") {
      let inner = path.isEmpty ? name : "\(path)/\(name)"
      if ["pts", "shm", "mqueue", "console", "ptmx"].contains(inner) { continue }
      let status = try Files.status("/dev/\(inner)")
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try makeAll(below: inner, in: root)
      case S_IFCHR, S_IFBLK:
        try make(Node(path: inner, mode: status.st_mode, device: status.st_rdev), in: root)
      default: break
      }
    }
  }
}

/// A pseudo-terminal of the container's own devpts(5), allocated by descriptor: no path of the container is involved.
struct Terminal {
  let master: SharedDescriptor
  let slave: SharedDescriptor

  init(in devpts: FileDescriptor) throws(SystemCallError) {
    let master = try Files.open("ptmx", in: devpts, O_RDWR | O_NOCTTY)
    var unlocked: CInt = 0
    try checked(
      "ioctl", on: "TIOCSPTLCK", unsafe stk_ioctl_pointer(master.borrowed.rawValue, TIOCSPTLCK, &unlocked))
    let peer = stk_ioctl_int(master.borrowed.rawValue, TIOCGPTPEER, Int(O_RDWR | O_NOCTTY | O_CLOEXEC))
    slave = SharedDescriptor(OwnedDescriptor(owning: try checked("ioctl", on: "TIOCGPTPEER", peer)))
    self.master = SharedDescriptor(master)
  }
}
