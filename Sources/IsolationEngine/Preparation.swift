import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// What the host side makes ready before the container's process exists: mounts that are in no namespace yet.
///
/// Everything that takes the host's privileges or the host's paths is done here; the container's process only puts the
/// pieces together. The mounts are held by descriptors, so whatever fails, or is killed, nothing remains.
struct Preparation {
  let root: PreparedMount
  /// What the machine has mounted below its root, for a container on that root.
  let machineMounts: [MachineMount]
  let devices: PreparedMount
  let terminals: PreparedMount
  let terminal: Terminal?
  /// A copy of the host's /sys, for a container in a network namespace that is not its own: a sysfs belongs to a network
  /// namespace, and a user namespace may mount only that of its own.
  let hostSys: PreparedMount?
  /// What is at /dev/shm; nil for a container whose own mounts say that.
  let sharedMemory: PreparedMount?
  let ownFiles: OwnFiles
  let mounts: [Entry]

  struct Entry {
    let specification: MountSpecification
    let content: Content
  }

  /// What is mounted for an entry.
  enum Content {
    case mount(PreparedMount, isDirectory: Bool)
    /// A name in the file system of the engine's own files.
    case ownFile(String)
    /// The same, for a file of the user's, which is never written to.
    case grantedFile(String)
  }

  /// - Parameter mapping: a user namespace with the container's mapping.
  init(_ container: ContainerSpecification, mapping: SharedDescriptor?) throws(LaunchError) {
    let users = container.namespaces.users
    let owner = users?.base ?? 0
    let root = try attempt("mount root file system") {
      PreparedMount(try OverlayRoot(container, owner: owner, mapping: mapping?.borrowed).make())
    }
    machineMounts =
      container.root.isMachine
      ? try attempt("mount the machine's file systems") {
        try MachineMount.all(for: container, owner: owner, mapping: mapping?.borrowed)
      } : []
    let inDev = container.devices.filter { $0.target.hasPrefix("/dev/") }
    devices = try attempt("make /dev") {
      PreparedMount(try DeviceDirectory(owner: owner).make(devices: inDev, allOfHost: container.isPrivileged))
    }
    let terminals = try attempt("mount /dev/pts") {
      PreparedMount(
        try DetachedMount(
          type: "devpts", source: "devpts",
          options: [
            ("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620"), ("uid", "\(owner)"), ("gid", "\(owner + 5)"),
          ].filter { $0.0 != "uid" || owner != 0 }, attributes: [.noSetUserID, .noExecution]))
    }
    if container.process.hasTerminal {
      terminal = try attempt("allocate terminal") {
        try Terminal(in: terminals.descriptor)
      }
    } else {
      terminal = nil
    }
    self.terminals = terminals

    hostSys =
      container.namespaces.network == .own
      ? nil
      : try attempt("mount /sys") {
        let mount = try DetachedMount(cloning: "/sys")
        try mount.set(propagation: MountSpecification.Propagation.private.flag)
        try mount.set(RootAssembly.sysAttributes(of: container))
        return PreparedMount(mount)
      }
    let callers = try CallerMaps(container, root: root.descriptor)
    sharedMemory = try attempt("share /dev/shm") { try SharedMemory.mount(for: container) }
    let ownFiles = try attempt("make files for /etc") { try OwnFiles() }
    var entries: [Entry] = []
    for specification in container.mounts {
      entries.append(
        try attempt("mount \(specification.target)") {
          try Self.entry(
            specification, users: users, mapping: mapping?.borrowed, callers: callers, root: root.descriptor,
            ownFiles: ownFiles)
        })
    }
    for device in container.devices where !device.target.hasPrefix("/dev/") {
      let specification = MountSpecification(.bind(device.source), target: device.target)
      entries.append(
        try attempt("mount \(device.target)") {
          try Self.entry(
            specification, users: nil, mapping: nil, callers: callers, root: root.descriptor, ownFiles: ownFiles)
        })
    }
    mounts = entries
    self.ownFiles = ownFiles
    self.root = root
  }

  static func entry(
    _ specification: MountSpecification, users: UserMapping?, mapping: FileDescriptor?, callers: CallerMaps,
    root: FileDescriptor, ownFiles: OwnFiles
  ) throws(SystemCallError) -> Entry {
    let attributes: MountAttributes = specification.isReadOnly ? .readOnly : []
    switch specification.source {
    case .tmpfs(let options):
      let mount = try DetachedMount(
        type: "tmpfs", source: "tmpfs", options: tmpfsOptions(options, users: users),
        attributes: attributes.union(
          MountAttributes([.noSetUserID, .noDevices, .noExecution]).subtracting(allowed(options))))
      return Entry(specification: specification, content: .mount(PreparedMount(mount), isDirectory: true))
    case .ownFile(let content):
      let name = try ownFiles.write(content, for: specification.target, owner: users?.base ?? 0)
      return Entry(specification: specification, content: .ownFile(name))
    case .grantedFile(let content, let access):
      let name = try ownFiles.write(content, for: specification.target, access, ownerOffset: users?.base ?? 0)
      return Entry(specification: specification, content: .grantedFile(name))
    case .bind(let path), .volume(let path), .part(let path, _):
      let mount: DetachedMount
      if case .part(_, let part) = specification.source {
        let directory = try Files.open(path, O_PATH | O_DIRECTORY)
        let place = try Files.open(part, below: directory.borrowed, [.beneath, .noSymlinks], O_PATH)
        mount = try DetachedMount(cloning: "", in: place.borrowed)
      } else {
        mount = try DetachedMount(cloning: path, recursive: specification.below != .absent)
      }
      if case .volume = specification.source {
        try VolumeSeed(target: specification.target, ownerOffset: -Int64(users?.base ?? 0))
          .fill(mount.descriptor, from: root)
      }
      // A copy of a mount that the machine shares would show there what is mounted below it here.
      try mount.set(propagation: specification.propagation.flag)
      if !attributes.isEmpty { try mount.set(attributes, recursive: specification.below != .writable) }
      if try !callers.apply(to: mount, specification), let mapping {
        try mount.mapOwners(through: mapping, recursive: true)
      }
      let isDirectory = try Files.status(mount.descriptor).st_mode & S_IFMT == S_IFDIR
      return Entry(specification: specification, content: .mount(PreparedMount(mount), isDirectory: isDirectory))
    }
  }

  /// `exec`, `dev` and `suid` among the options take the restriction of the same name away.
  private static func allowed(_ options: [String]) -> MountAttributes {
    var attributes: MountAttributes = []
    if options.contains("exec") { attributes.insert(.noExecution) }
    if options.contains("dev") { attributes.insert(.noDevices) }
    if options.contains("suid") { attributes.insert(.noSetUserID) }
    return attributes
  }

  private static func tmpfsOptions(_ options: [String], users: UserMapping?) -> [(key: String, value: String)] {
    let base = users?.base ?? 0
    var result: [(key: String, value: String)] = []
    var owners: [String: UInt32] = ["uid": 0, "gid": 0]
    for option in options {
      let parts = option.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { continue }
      if owners[parts[0]] != nil, let id = UInt32(parts[1]) {
        owners[parts[0]] = id
      } else {
        result.append((parts[0], parts[1]))
      }
    }
    for (key, id) in owners.sorted(by: { $0.key < $1.key }) where id + base != 0 {
      result.append((key, "\(id + base)"))
    }
    return result
  }
}

/// The mappings of bind mounts whose files belong to the caller.
struct CallerMaps {
  /// By the caller.
  private var namespaces: [FileOwner: SharedDescriptor] = [:]

  init() {}

  /// - Parameter root: the container's root, in whose files its user is looked up.
  init(_ container: ContainerSpecification, root: FileDescriptor) throws(LaunchError) {
    for caller in Set(container.mounts.compactMap(\.caller)) {
      let user = try attempt("look up user \(container.process.user)") {
        try ContainerUser(
          container.process.user, passwd: ContainerUser.database("etc/passwd", in: root),
          group: ContainerUser.database("etc/group", in: root))
      }
      let map = OwnerMap(
        container.namespaces.users, caller: caller, member: FileOwner(uid: user.uid, gid: user.gid))
      namespaces[caller] = SharedDescriptor(try attempt("make user namespace") { try map.namespace() })
    }
  }

  /// - Returns: false when the mount has no caller, or does without one.
  func apply(to mount: borrowing DetachedMount, _ specification: MountSpecification) throws(SystemCallError) -> Bool {
    guard let caller = specification.caller, let namespace = namespaces[caller] else { return false }
    do throws(SystemCallError) {
      try mount.mapOwners(through: namespace.borrowed, recursive: true)
      return true
    } catch  where !specification.needsCaller {
      // Not every file system can: then its files belong to whom they always did.
      return false
    }
  }
}

extension MountSpecification.Propagation {
  fileprivate var flag: CInt {
    switch self {
    case .private: CInt(MS_PRIVATE)
    case .slave: CInt(MS_SLAVE)
    case .shared: CInt(MS_SHARED)
    }
  }
}

/// What an empty named volume starts with: the content of the image's directory that it covers.
struct VolumeSeed {
  let target: String
  let ownerOffset: Int64

  /// Fills the directory `volume`, once: two containers that start with the same new volume take turns.
  func fill(_ volume: FileDescriptor, from root: FileDescriptor) throws(SystemCallError) {
    let directory = try Files.open(".", in: volume, O_RDONLY | O_DIRECTORY)
    try checkedErrno("flock", on: target, flock(directory.borrowed.rawValue, LOCK_EX))
    guard try Files.names(in: ".", of: volume).isEmpty else { return }
    let flags = O_RDONLY | O_DIRECTORY
    guard let source = try Files.openIfPresent(target, below: root, [.inRoot, .noMagicLinks], flags) else { return }
    try TreeCopy(ownerOffset: ownerOffset).contents(of: source.borrowed, to: directory.borrowed)
  }
}

/// The files that the engine itself gives to a container, in a small file system of their own.
struct OwnFiles {
  private let fileSystem: PreparedMount

  init() throws(SystemCallError) {
    fileSystem = PreparedMount(
      try DetachedMount(
        type: "tmpfs", source: "stack", options: [("mode", "0755"), ("size", "16m"), ("nr_inodes", "1024")],
        attributes: [.noSetUserID, .noDevices, .noExecution]))
  }

  /// Puts the content of a file that everybody may read into the file system.
  /// - Returns: its name there.
  func write(_ content: String, for target: String, owner: UInt32) throws(SystemCallError) -> String {
    try write(Array(content.utf8), for: target, .init(mode: 0o644), ownerOffset: owner)
  }

  func write(
    _ content: [UInt8], for target: String, _ access: MountSpecification.FileAccess, ownerOffset: UInt32
  ) throws(SystemCallError) -> String {
    // Two targets never have one name.
    let name = target.split(separator: "%", omittingEmptySubsequences: false).joined(separator: "%25")
      .split(separator: "/").joined(separator: "%2F")
    let root = fileSystem.descriptor
    let file = try Files.open(name, in: root, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
    try Files.writeAll(file.borrowed, content, object: target)
    let descriptor = file.borrowed.rawValue
    // The owner first: a change of owner takes set-user-ID bits away again.
    if access.uid &+ ownerOffset != 0 || access.gid &+ ownerOffset != 0 {
      try checkedErrno("fchown", on: name, fchown(descriptor, access.uid &+ ownerOffset, access.gid &+ ownerOffset))
    }
    try checkedErrno("fchmod", on: name, fchmod(descriptor, mode_t(access.mode & 0o7777)))
    return name
  }

  /// Mounts the file system, in the container's mount namespace: before Linux 6.15 no mount is copied from one that is in none.
  func attach(at path: String) throws(SystemCallError) { try fileSystem.attach(at: path) }

  /// A mount of one of the files; the file system must be attached.
  func mount(_ name: String) throws(SystemCallError) -> DetachedMount {
    try DetachedMount(cloning: name, in: fileSystem.descriptor, followLinks: false)
  }
}
