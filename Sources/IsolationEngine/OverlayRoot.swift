import CLinuxShim
import Glibc
import LinuxCapabilities
import LinuxMounts
import LinuxSystem
import SystemPackage

/// The root file system: an overlay of the image's layers under the container's own writable layer.
struct OverlayRoot {
  private let layers: [String]
  private let directory: String
  private let owner: UInt32
  private let mapping: FileDescriptor?
  private let attributes: MountAttributes

  /// - Parameters:
  ///   - owner: the host's number of the container's root, who owns the writable layer.
  ///   - mapping: the user namespace through which the layers' owners are mapped.
  init(_ container: ContainerSpecification, owner: UInt32, mapping: FileDescriptor?) {
    self.init(container, layers: container.root.layers, directory: container.directory, owner: owner, mapping: mapping)
  }

  /// Another overlay of the container, whose writable layer is in `directory`.
  init(
    _ container: ContainerSpecification, layers: [String], directory: String, owner: UInt32, mapping: FileDescriptor?
  ) {
    self.layers = layers
    self.directory = directory
    self.owner = owner
    self.mapping = mapping
    let makesNodes = container.capabilities.bounding & CapabilitySet.mknod.rawValue != 0
    // A device node of an image gives access to the machine's device: without CAP_MKNOD nobody has use for one.
    attributes = container.isPrivileged || makesNodes ? [] : .noDevices
  }

  // A layer must not be able to redirect the engine: redirects and metacopy of foreign layers are ignored.
  private static let hardening = [("redirect_dir", "nofollow"), ("metacopy", "off")]

  func make() throws(SystemCallError) -> DetachedMount {
    try makeWritableLayer()
    // Held open until the overlay has them: their paths are /proc/self/fd/N.
    var mapped: [PreparedMount] = []
    if let mapping {
      for layer in layers {
        let mount = try DetachedMount(cloning: layer)
        try mount.mapOwners(through: mapping)
        mapped.append(PreparedMount(mount))
      }
    }
    defer { withExtendedLifetime(mapped) {} }
    let lower = mapped.isEmpty ? layers : mapped.map { "/proc/self/fd/\($0.descriptor.rawValue)" }
    do throws(SystemCallError) {
      return try makeFromDescriptors(lower: lower)
    } catch  where error.errno == .invalidArgument {
      // Before Linux 6.5 overlayfs knows no `lowerdir+`, and before 6.15 no layer that is mounted nowhere.
      return try makeThroughMount(mapped: mapped)
    }
  }

  /// One option for each layer: a long list would exceed the 255 bytes of an option.
  private func makeFromDescriptors(lower: [String]) throws(SystemCallError) -> DetachedMount {
    // The kernel's order is from the top down.
    let layerOptions = lower.reversed().map { ("lowerdir+", $0) }
    let writable = [("upperdir", "\(directory)/upper"), ("workdir", "\(directory)/work")]
    return try DetachedMount(
      type: "overlay", source: "overlay", options: layerOptions + writable + Self.hardening,
      attributes: attributes)
  }

  /// Mounts the overlay in a mount namespace of the calling process alone, and takes a detached copy of it.
  private func makeThroughMount(mapped: [PreparedMount]) throws(SystemCallError) -> DetachedMount {
    try checked("unshare", stk_unshare(CLONE_NEWNS))
    try MountNamespace.makePrivate()
    var lower = layers
    if !mapped.isEmpty {
      lower = []
      for (index, mount) in mapped.enumerated() {
        let place = "\(directory)/lower\(index)"
        try Files.makeDirectory(place)
        try mount.attach(at: place)
        lower.append(place)
      }
    }
    // All options share one page: descriptors make the names short, however long the paths are.
    let opened = try lower.reversed().map { path throws(SystemCallError) in
      SharedDescriptor(try Files.open(path, O_PATH | O_DIRECTORY))
    }
    let names = opened.map { "/proc/self/fd/\($0.borrowed.rawValue)" }.joined(separator: ":")
    let options =
      "lowerdir=\(names),upperdir=\(directory)/upper,workdir=\(directory)/work,"
      + Self.hardening.map { "\($0.0)=\($0.1)" }.joined(separator: ",")
    let place = "\(directory)/merged"
    try Files.makeDirectory(place)
    try checked("mount", on: "overlay \(options)", unsafe stk_mount("overlay", place, "overlay", 0, options))
    withExtendedLifetime(opened) {}
    let mount = try DetachedMount(cloning: place)
    try mount.set(attributes)
    try checked("umount2", on: place, unsafe stk_umount2(place, CInt(MNT_DETACH)))
    return mount
  }

  /// The root directory of an overlay looks like that of its writable layer, which must therefore look like the image's.
  private func makeWritableLayer() throws(SystemCallError) {
    let isNew = try Files.makeDirectory("\(directory)/upper", mode: 0o755)
    try Files.makeDirectory("\(directory)/work", mode: 0o700)
    guard isNew, let top = layers.last else { return }
    let like = try Files.open(top, O_PATH | O_DIRECTORY)
    let status = try Files.status(like.borrowed)
    let upper = try Files.open("\(directory)/upper", O_RDONLY | O_DIRECTORY)
    let descriptor = upper.borrowed.rawValue
    try checkedErrno("fchown", fchown(descriptor, status.st_uid + owner, status.st_gid + owner))
    try checkedErrno("fchmod", fchmod(descriptor, status.st_mode & 0o7777))
  }
}
