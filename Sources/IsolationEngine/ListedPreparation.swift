import CLinuxShim
import Glibc
import LinuxCgroup
import LinuxMounts
import LinuxSystem
import SystemPackage

/// The host side's half of a root that is given as a list: what takes the host's paths and privileges.
struct ListedPreparation: PreparedRoot {
  let root: PreparedMount
  private let listed: ListedRoot
  /// For each mount of the list what was made ready, if anything.
  private let mounts: [Ready]
  /// For a container that cannot make any.
  private let nodes: CreatedNodes
  private let cgroup: Cgroup?

  enum Ready {
    case bind(PreparedMount, isDirectory: Bool)
    /// A part of the container's own root, as it is when its turn comes: what is mounted there before belongs to it.
    case part(path: String, owners: SharedDescriptor?, inUserNamespace: Bool)
    /// The namespaces of the container are needed to make it.
    case later
  }

  init(_ container: ContainerSpecification, _ listed: ListedContainer) throws(LaunchError) {
    self.listed = listed.root
    root = try attempt("open root file system \(listed.root.directory)") {
      let mount = try DetachedMount(cloning: listed.root.directory, recursive: true)
      guard try Files.status(mount.descriptor).st_mode & S_IFMT == S_IFDIR else {
        throw SystemCallError("open", on: listed.root.directory, .notDirectory)
      }
      // What is mounted below it must not appear on the host.
      if listed.root.propagation == .slave {
        try mount.set(.slave, recursive: true)
      } else {
        try mount.set(.private, recursive: true)
      }
      return PreparedMount(mount)
    }
    let users = try attempt("look at the user namespace") { try OwnerMap(listed.namespaces) }
    var mounts: [Ready] = []
    for mount in listed.root.mounts {
      mounts.append(
        try attempt("mount \(mount.target)") { try Self.ready(mount, users, root: listed.root.directory) })
    }
    self.mounts = mounts
    nodes =
      if let users {
        try CreatedNodes(listed.root.devices, owners: users, in: listed.scratch)
      } else {
        CreatedNodes(none: listed.root.devices)
      }
    cgroup =
      listed.root.mounts.contains { $0.source == .cgroup }
      ? try attempt("find cgroups") {
        try Cgroup(try CgroupHierarchy.current(), components: container.cgroup.path)
      } : nil
  }

  private static func ready(
    _ mount: ListedMount, _ users: OwnerMap?, root: String
  ) throws(SystemCallError) -> Ready {
    guard case .bind(let path, let isRecursive) = mount.source else { return .later }
    var mapping: SharedDescriptor?
    if let owners = mount.owners {
      let own = owners.uids.isEmpty ? users : OwnerMap(uids: owners.uids, gids: owners.gids)
      // Without any mapping there is nothing to map.
      mapping = try own.map { own throws(SystemCallError) in SharedDescriptor(try own.namespace()) }
    }
    if path.hasPrefix("\(root)/"), !path.dropFirst(root.utf8.count).split(separator: "/").contains("..") {
      return .part(path: String(path.dropFirst(root.utf8.count)), owners: mapping, inUserNamespace: users != nil)
    }
    let clone = try DetachedMount(cloning: path, recursive: isRecursive, followLinks: mount.followsSourceLink)
    try finish(clone, mount, mapping, inUserNamespace: users != nil)
    let isDirectory = try Files.status(clone.descriptor).st_mode & S_IFMT == S_IFDIR
    return .bind(PreparedMount(clone), isDirectory: isDirectory)
  }

  /// Makes a clone what the list says of it.
  private static func finish(
    _ clone: borrowing DetachedMount, _ mount: ListedMount, _ mapping: SharedDescriptor?, inUserNamespace: Bool
  ) throws(SystemCallError) {
    if mount.propagation == nil && mount.recursivePropagation == nil { try clone.set(.private, recursive: true) }
    if let mapping, let owners = mount.owners {
      try clone.mapOwners(through: mapping.borrowed, recursive: owners.isRecursive)
    }
    try change(clone, mount, inUserNamespace: inUserNamespace)
  }

  /// Flags that are not spoken of are off once one of them is, as for other runtimes; all stay as they are on the host when
  /// none is. In a user namespace those that keep the container from something stay in any case.
  private static func change(
    _ clone: borrowing DetachedMount, _ mount: ListedMount, inUserNamespace: Bool
  ) throws(SystemCallError) {
    if !mount.attributes.isEmpty {
      let unspoken: MountAttributes =
        inUserNamespace ? .noSymlinks : [.readOnly, .noSetUserID, .noDevices, .noExecution, .noSymlinks]
      let added = mount.attributes.added
      if inUserNamespace { try checkLocks(clone, mount.attributes) }
      try clone.set(added, clearing: mount.attributes.cleared.union(unspoken.subtracting(added)))
    }
    if !mount.recursiveAttributes.isEmpty {
      try clone.set(mount.recursiveAttributes.added, clearing: mount.recursiveAttributes.cleared, recursive: true)
    }
  }

  /// In a user namespace the kernel keeps flags of mounts from elsewhere from being taken away ("Restrictions on mount
  /// namespaces", mount_namespaces(7)). Clones are made outside of it, where it would not.
  private static func checkLocks(
    _ clone: borrowing DetachedMount, _ change: ListedMount.Change
  ) throws(SystemCallError) {
    let present = try clone.attributes()
    let times: MountAttributes = [.accessTimes, .noDirectoryAccessTime]
    let lockable: MountAttributes = [.readOnly, .noSetUserID, .noDevices, .noExecution]
    let areTimesAsked = change.cleared.contains(.accessTimes)
    let isFree =
      present.intersection(lockable).isDisjoint(with: change.cleared.subtracting(change.added))
      && (!areTimesAsked || present.intersection(times) == change.added.intersection(times))
    if !isFree { throw SystemCallError("mount_setattr", on: "what the mount has on the host", .notPermitted) }
  }

  func attach(for container: ContainerSpecification) throws(LaunchError) {
    // Without a mount namespace of its own the container's mounts stay where nobody sees them (Linux 6.15).
    if container.listed?.namespaces.mount == .inherited { return }
    try attempt("mount root file system") { try root.attach(at: listed.directory) }
  }

  func assemble(_ container: ContainerSpecification, in root: RootDirectory) throws(LaunchError) {
    for (mount, ready) in zip(listed.mounts, mounts) {
      try attempt("mount \(mount.target)") { try place(mount, ready, in: root) }
    }
    try makeDevices(container, in: root)
    // Best effort: whether it is there is said when it is entered. Later the root may be read-only.
    _ = try? root.directory(container.process.workingDirectory)
    for sysctl in container.sysctls {
      try attempt("set sysctl \(sysctl.key)") { try Self.set(sysctl) }
    }
    try attempt("make paths read-only") {
      for path in listed.readOnlyPaths { try protect(path, in: root) }
    }
    try attempt("mask paths") { try MaskedPaths(in: root).mask(listed.maskedPaths) }
  }

  func terminal(
    for container: ContainerSpecification, in root: RootDirectory
  ) throws(LaunchError) -> (terminal: Terminal, isNew: Bool)? {
    guard container.process.hasTerminal else { return nil }
    return try attempt("allocate terminal") {
      let directory = try Files.open(
        "dev/pts", below: root.descriptor, [.inRoot, .noSymlinks], O_RDONLY | O_DIRECTORY)
      // A directory of the image could hold anything under this name.
      guard try checked("fstatfs", stk_fstatfs_type(directory.borrowed.rawValue)) == 0x1cd1 else {
        throw SystemCallError("open", on: "/dev/pts (no devpts is mounted there)", .noDevice)
      }
      let terminal = try Terminal(in: directory.borrowed)
      if let process = container.listed?.process {
        let slave = terminal.slave.borrowed.rawValue
        // Best effort: the program can do with a terminal that is its group's.
        _ = fchown(slave, process.uid, .max)
        if let size = process.terminalSize { _ = stk_window_size(slave, size.rows, size.columns) }
      }
      return (terminal, true)
    }
  }

  // MARK: Mounts

  private func place(_ mount: ListedMount, _ ready: Ready, in root: RootDirectory) throws {
    let made: PreparedMount
    var isDirectory = true
    switch (mount.source, ready) {
    case (_, .bind(let bind, let isOfDirectory)): (made, isDirectory) = (bind, isOfDirectory)
    case (_, .part(let path, let owners, let inUserNamespace)):
      (made, isDirectory) = try Self.clone(path, of: root, mount, owners, inUserNamespace: inUserNamespace)
    case (.cgroup, .later): return try placeCgroups(mount, in: root)
    case (.fileSystem(let type, let source, let options), .later):
      made = try Self.make(type, source, Self.inheriting(options, of: type, mount, in: root), mount, in: root)
    case (.bind, .later): return
    }
    let target = try Self.mountPoint(mount, isDirectory: isDirectory, in: root)
    try made.attach(at: target.borrowed)
    if let propagation = mount.propagation { try made.set(propagation) }
    if let propagation = mount.recursivePropagation { try made.set(propagation, recursive: true) }
  }

  private static func clone(
    _ path: String, of root: RootDirectory, _ mount: ListedMount, _ owners: SharedDescriptor?, inUserNamespace: Bool
  ) throws -> (PreparedMount, isDirectory: Bool) {
    guard case .bind(_, let isRecursive) = mount.source else { throw SystemCallError("mount", .invalidArgument) }
    let source = try root.open(path, mount.followsSourceLink ? O_PATH : O_PATH | O_NOFOLLOW)
    let clone = try DetachedMount(cloning: "", in: source.borrowed, recursive: isRecursive)
    try finish(clone, mount, owners, inUserNamespace: inUserNamespace)
    return (PreparedMount(clone), try Files.status(source.borrowed).st_mode & S_IFMT == S_IFDIR)
  }

  /// A tmpfs whose mode is not said has that of the directory that it covers.
  private static func inheriting(
    _ options: [ListedMount.Option], of type: String, _ mount: ListedMount, in root: RootDirectory
  ) throws(SystemCallError) -> [ListedMount.Option] {
    if type != "tmpfs" || options.contains(where: { $0.key == "mode" }) { return options }
    let covered = try Files.openIfPresent(mount.target, below: root.descriptor, [.inRoot, .noMagicLinks], O_PATH)
    guard let covered else { return options }
    let mode = try Files.status(covered.borrowed).st_mode & 0o7777
    return options + [ListedMount.Option("mode", String(mode, radix: 8))]
  }

  /// The kernel's own file systems go to real directories only: a link of the image would choose where the engine mounts and
  /// writes.
  private static func mountPoint(
    _ mount: ListedMount, isDirectory: Bool, in root: RootDirectory
  ) throws -> OwnedDescriptor {
    let parts = mount.target.split(separator: "/").map(String.init)
    if case .fileSystem(let type, _, _) = mount.source, ["proc", "sysfs"].contains(type), parts.count == 1 {
      // Only for its words: what is opened next is a directory, or nothing.
      if let there = try? Files.status(parts[0], in: root.descriptor), there.st_mode & S_IFMT != S_IFDIR {
        throw LaunchError("mount \(mount.target)", "file system \"\(type)\" must be mounted on ordinary directory")
      }
      return try root.systemDirectory(parts[0])
    }
    if parts == ["dev"] { return try root.systemDirectory("dev") }
    let place = try root.mountPoint(mount.target, isDirectory ? .directory : .file)
    if try isBelowProc(place.borrowed), !allowedInProc.contains(parts.joined(separator: "/")) {
      throw LaunchError("mount \(mount.target)", "nothing can be mounted at or below /proc")
    }
    return place
  }

  /// Files that programs such as lxcfs show in place of the kernel's; none of them is written to by the engine.
  private static let allowedInProc: Set<String> = [
    "proc/cpuinfo", "proc/diskstats", "proc/loadavg", "proc/meminfo", "proc/net/dev", "proc/slabinfo", "proc/stat",
    "proc/swaps", "proc/sys/crypto/fips_enabled", "proc/sys/kernel/ns_last_pid", "proc/uptime",
  ]

  private static func isBelowProc(_ descriptor: FileDescriptor) throws(SystemCallError) -> Bool {
    try checked("fstatfs", stk_fstatfs_type(descriptor.rawValue)) == 0x9fa0
  }

  private static func make(
    _ type: String, _ source: String, _ options: [ListedMount.Option], _ mount: ListedMount, in root: RootDirectory
  ) throws -> PreparedMount {
    let pairs = options.map { ($0.key, $0.value) }
    let attributes = mount.attributes.added.union(mount.recursiveAttributes.added)
    do throws(SystemCallError) {
      // What is copied into it comes before it is read-only.
      let early = mount.copiesUp || mount.isDeviceDirectory ? attributes.subtracting(.readOnly) : attributes
      let made = try DetachedMount(type: type, source: source, options: pairs, attributes: early)
      if mount.copiesUp {
        let flags = O_RDONLY | O_DIRECTORY
        if let below = try Files.openIfPresent(mount.target, below: root.descriptor, [.inRoot, .noMagicLinks], flags) {
          // The descriptor of a mount is O_PATH, by which no owner can be changed.
          let top = try Files.open(".", in: made.descriptor, flags)
          try TreeCopy(ownerOffset: 0).contents(of: below.borrowed, to: top.borrowed)
        }
        if attributes.contains(.readOnly) { try made.set(.readOnly) }
      }
      return PreparedMount(made)
    } catch {
      // A sysfs belongs to a network namespace, and only who owns that may mount one: then the host's is shown. The same
      // goes for the messages of an IPC namespace.
      guard error.errno == .notPermitted || error.errno == .permissionDenied else { throw error }
      guard let place = ["sysfs": "/sys", "mqueue": "/dev/mqueue"][type] else { throw error }
      let copy = try DetachedMount(cloning: place, recursive: true)
      try copy.set(attributes)
      return PreparedMount(copy)
    }
  }

  private func placeCgroups(_ mount: ListedMount, in root: RootDirectory) throws {
    guard let cgroup else { return }
    let target = try Self.mountPoint(mount, isDirectory: true, in: root)
    let places = cgroup.directoriesByName
    let attributes = mount.attributes.added.union(mount.recursiveAttributes.added)
    if let only = places.first, places.count == 1 {
      let copy = try DetachedMount(cloning: only.path)
      try copy.set(attributes, clearing: attributes.contains(.readOnly) ? [] : .readOnly)
      return try copy.attach(at: target.borrowed)
    }
    let directory = try DetachedMount(
      type: "tmpfs", source: "tmpfs", options: [("mode", "0755"), ("size", "64k")],
      attributes: attributes.subtracting(.readOnly))
    let shown = places.filter { !$0.name.isEmpty && Files.exists($0.path) }
    for (name, _) in shown { try Files.makeDirectory(name, in: directory.descriptor, mode: 0o755) }
    // Nothing is to be made beside the hierarchies. What is mounted where no namespace is cannot be changed afterwards.
    try directory.set(.readOnly)
    try directory.attach(at: target.borrowed)
    for (name, path) in shown {
      let copy = try DetachedMount(cloning: path)
      try copy.set(attributes, clearing: attributes.contains(.readOnly) ? [] : .readOnly)
      let place = try Files.open(name, in: directory.descriptor, O_PATH | O_DIRECTORY | O_NOFOLLOW)
      try copy.attach(at: place.borrowed)
    }
  }

  // MARK: Devices

  private static let links = [
    ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
  ]

  private func makeDevices(_ container: ContainerSpecification, in root: RootDirectory) throws(LaunchError) {
    // A /dev of the host is left as it is.
    let isOfHost = listed.mounts.contains { mount in
      if case .bind = mount.source { mount.target == "/dev" } else { false }
    }
    if isOfHost { return }
    let dev = try attempt("open /dev") { try root.systemDirectory("dev") }
    for (number, node) in listed.devices.enumerated() {
      try attempt("make device \(node.path)") { try make(node, nodes[number], in: root) }
    }
    if container.process.hasTerminal {
      _ = try attempt("make /dev/console") { try root.mountPoint("/dev/console", .file) }
    }
    try attempt("make links in /dev") {
      for (name, target) in Self.links + [("ptmx", "pts/ptmx")] {
        let hasTerminals = name != "ptmx" || Files.exists("pts/ptmx", in: dev.borrowed)
        if !hasTerminals || Files.exists(name, in: dev.borrowed) { continue }
        try checkedErrno("symlink", on: "/dev/\(name)", unsafe symlinkat(target, dev.borrowed.rawValue, name))
      }
    }
    let isReadOnly = listed.mounts.contains { mount in
      mount.isDeviceDirectory && mount.attributes.added.union(mount.recursiveAttributes.added).contains(.readOnly)
    }
    if isReadOnly { try attempt("make /dev read-only") { try MountNamespace.remount(dev.borrowed, .readOnly) } }
  }

  private func make(_ node: DeviceNode, _ made: PreparedMount?, in root: RootDirectory) throws(SystemCallError) {
    if let made {
      let place = try root.mountPoint(node.path, .file)
      return try made.attach(at: place.borrowed)
    }
    let parts = node.path.split(separator: "/").map(String.init)
    guard let name = parts.last else { throw SystemCallError("mknod", on: node.path, .invalidArgument) }
    let parent = try root.directory("/" + parts.dropLast().joined(separator: "/"))
    do throws(SystemCallError) {
      let there = try Files.status(name, in: parent.borrowed)
      if there.st_mode & S_IFMT == node.type && (node.kind == .fifo || there.st_rdev == node.number) { return }
      throw SystemCallError("mknod", on: node.path, .fileExists)
    } catch  where error.errno == .noSuchFileOrDirectory {}
    try node.make(named: name, in: parent.borrowed)
  }

  // MARK: Settings and masks

  /// Writes to a procfs of the engine's own, of which nothing is mounted anywhere that could take the write.
  private static func set(_ sysctl: SysctlSpecification) throws(SystemCallError) {
    let path = sysctl.key.contains("/") ? sysctl.key : sysctl.key.split(separator: ".").joined(separator: "/")
    try DetachedProc().write(sysctl.value, to: "sys/\(path)")
  }

  private func protect(_ path: String, in root: RootDirectory) throws(SystemCallError) {
    guard let place = try Self.find(path, in: root) else { return }
    let copy = try DetachedMount(cloning: "", in: place.borrowed, recursive: true)
    try copy.set(.private, recursive: true)
    try copy.set(.readOnly, recursive: true)
    try copy.attach(at: place.borrowed)
  }

  static func find(_ path: String, in root: RootDirectory) throws(SystemCallError) -> OwnedDescriptor? {
    try Files.openIfPresent(path, below: root.descriptor, [.inRoot, .noMagicLinks], O_PATH)
  }
}

extension ListedMount {
  /// A new file system for device nodes: it is filled before it is read-only.
  fileprivate var isDeviceDirectory: Bool {
    if case .fileSystem = source { target == "/dev" } else { false }
  }
}
