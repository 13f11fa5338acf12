import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// Hides files and directories of a container that is described by a list: a file behind the null device, directories
/// behind one that is empty.
struct MaskedPaths {
  let root: RootDirectory

  init(in root: RootDirectory) {
    self.root = root
  }

  /// Covers each path once. One that is not there has nothing to be hidden.
  func mask(_ paths: [String]) throws(SystemCallError) {
    if paths.isEmpty { return }
    let null = try Self.hostNull()
    var done: Set<String> = []
    var empty: PreparedMount?
    for path in paths where done.insert(path).inserted {
      guard let place = try ListedPreparation.find(path, in: root) else { continue }
      if try Files.status(place.borrowed).st_mode & S_IFMT != S_IFDIR {
        try DetachedMount(cloning: "", in: null.borrowed).attach(at: place.borrowed)
      } else if let empty {
        try DetachedMount(cloning: "", in: empty.descriptor).attach(at: place.borrowed)
      } else {
        let first = PreparedMount(try Self.emptyDirectory())
        try first.attach(at: place.borrowed)
        empty = first
      }
    }
  }

  private static func emptyDirectory() throws(SystemCallError) -> DetachedMount {
    try DetachedMount(
      type: "tmpfs", source: "tmpfs", options: [("size", "4k"), ("nr_inodes", "1"), ("mode", "0755")],
      attributes: [.readOnly, .noSetUserID, .noDevices, .noExecution])
  }

  /// The host's /dev/null, whatever the container's own may be: the old root is still in place.
  private static func hostNull() throws(SystemCallError) -> OwnedDescriptor {
    let null = try Files.open("/dev/null", O_PATH | O_NOFOLLOW)
    let status = try Files.status(null.borrowed)
    guard status.st_mode & S_IFMT == S_IFCHR, status.st_rdev == stk_makedev(1, 3) else {
      throw SystemCallError("open", on: "/dev/null", .noDevice)
    }
    return null
  }
}
