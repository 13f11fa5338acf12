import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

extension UserMapping {
  /// Writes the maps of a new user namespace (user_namespaces(7)). Needs CAP_SETUID and CAP_SETGID in its parent.
  func apply(to pid: pid_t) throws(SystemCallError) {
    try OwnerMap(self).apply(to: pid)
  }

  /// A user namespace with this mapping that no process is in: see `OwnerMap`.
  func namespace() throws(SystemCallError) -> OwnedDescriptor { try OwnerMap(self).namespace() }
}

/// Which owner a file has for the kernel, by the owner it has on the disk.
struct OwnerMap: Equatable {
  struct Extent: Equatable {
    var disk: UInt32
    var kernel: UInt32
    var count: UInt32
  }

  let users: [Extent]
  let groups: [Extent]

  init(_ mapping: UserMapping) {
    users = [Extent(disk: 0, kernel: mapping.base, count: mapping.count)]
    groups = users
  }

  init(uids: [IDRange], gids: [IDRange]) {
    users = uids.map { Extent(disk: $0.inside, kernel: $0.outside, count: $0.count) }
    groups = gids.map { Extent(disk: $0.inside, kernel: $0.outside, count: $0.count) }
  }

  /// That of a container's user namespace, made for it or joined; nil when it has none.
  init?(_ namespaces: ListedNamespaces) throws(SystemCallError) {
    switch namespaces.user {
    case .inherited: return nil
    case .own: self.init(uids: namespaces.uids, gids: namespaces.gids)
    case .at(let path): try self.init(ofNamespaceAt: path)
    }
  }

  /// As the container's own mapping, but the files of `caller` belong to `member`, and the other way round.
  ///
  /// - Parameter mapping: nil is a container in the machine's user namespace.
  init(_ mapping: UserMapping?, caller: FileOwner, member: FileOwner) {
    let mapping = mapping ?? UserMapping(base: 0, count: .max)
    users = Self.exchanging(caller.uid, member.uid, in: mapping)
    groups = Self.exchanging(caller.gid, member.gid, in: mapping)
  }

  private static func exchanging(_ caller: UInt32, _ member: UInt32, in mapping: UserMapping) -> [Extent] {
    guard caller != member, member < mapping.count else {
      return [Extent(disk: 0, kernel: mapping.base, count: mapping.count)]
    }
    var extents: [Extent] = []
    var next: UInt32 = 0
    for (disk, inner) in [(caller, member), (member, caller)].sorted(by: { $0.0 < $1.0 }) {
      let end = min(disk, mapping.count)
      if next < end { extents.append(Extent(disk: next, kernel: mapping.base + next, count: end - next)) }
      // An owner that the container has no number for stays without one.
      if inner < mapping.count { extents.append(Extent(disk: disk, kernel: mapping.base + inner, count: 1)) }
      next = disk + 1
    }
    if next < mapping.count {
      extents.append(Extent(disk: next, kernel: mapping.base + next, count: mapping.count - next))
    }
    return extents
  }

  /// What an owner inside is on the host; nil when it has no number there.
  func user(_ id: UInt32) -> UInt32? { Self.kernel(id, users) }
  func group(_ id: UInt32) -> UInt32? { Self.kernel(id, groups) }

  private static func kernel(_ id: UInt32, _ extents: [Extent]) -> UInt32? {
    extents.first { id >= $0.disk && id - $0.disk < $0.count }.map { $0.kernel + (id - $0.disk) }
  }

  func apply(to pid: pid_t) throws(SystemCallError) {
    try Files.write(Self.text(users), to: "/proc/\(pid)/uid_map")
    try Files.write(Self.text(groups), to: "/proc/\(pid)/gid_map")
  }

  /// The mapping of a user namespace that exists: nsfs has no way to ask for it, so that a process goes in to be looked at.
  ///
  /// The calling process must be single-threaded.
  init(ofNamespaceAt path: String) throws(SystemCallError) {
    let namespace = try Files.open(path, O_RDONLY)
    let gate = try DescriptorPair.pipe().split()
    let answer = try DescriptorPair.pipe().split()
    guard let child = try ClonedProcess.clone(0) else {
      var byte = UInt8(stk_setns(namespace.borrowed.rawValue, CLONE_NEWUSER) == 0 ? 1 : 0)
      _ = unsafe write(answer.second.borrowed.rawValue, &byte, 1)
      close(gate.second.borrowed.rawValue)
      _ = unsafe read(gate.first.borrowed.rawValue, &byte, 1)
      _exit(0)
    }
    answer.second.close()
    defer {
      // It ends with the pipe. Best effort: there is nothing to be known of its end.
      gate.second.close()
      _ = try? child.handle.reap()
    }
    guard try Files.readOnce(answer.first.borrowed, limit: 1) == [1] else {
      throw SystemCallError("setns", on: path, .invalidArgument)
    }
    users = try Self.extents("/proc/\(child.pid)/uid_map")
    groups = try Self.extents("/proc/\(child.pid)/gid_map")
  }

  private static func extents(_ path: String) throws(SystemCallError) -> [Extent] {
    var extents: [Extent] = []
    for line in try Files.text(path).split(separator: "\n") {
      let numbers = line.split(separator: " ").compactMap { UInt32($0) }
      guard numbers.count == 3 else { throw SystemCallError("read", on: path, .badMessage) }
      extents.append(Extent(disk: numbers[0], kernel: numbers[1], count: numbers[2]))
    }
    return extents
  }

  private static func text(_ extents: [Extent]) -> String {
    extents.map { "\($0.disk) \($0.kernel) \($0.count)\n" }.joined()
  }

  /// A user namespace with this mapping that no process is in: for idmapped mounts, which only take its mapping.
  ///
  /// The calling process must be single-threaded.
  func namespace() throws(SystemCallError) -> OwnedDescriptor {
    let gate = try DescriptorPair.pipe().split()
    guard let child = try ClonedProcess.clone(CLONE_NEWUSER) else {
      // Lives until the parent has opened the namespace: the end of the pipe says so.
      var byte: UInt8 = 0
      close(gate.second.borrowed.rawValue)
      _ = unsafe read(gate.first.borrowed.rawValue, &byte, 1)
      _exit(0)
    }
    func open() throws(SystemCallError) -> OwnedDescriptor {
      try apply(to: child.pid)
      return try Files.open("/proc/\(child.pid)/ns/user")
    }
    defer {
      // It ends with the pipe. Best effort: there is nothing to be known of its end.
      gate.second.close()
      _ = try? child.handle.reap()
    }
    return try open()
  }
}

/// User namespaces that only stand for a mapping. An idmapped mount takes a mapping, not a namespace: containers with the same
/// one share it, when they are started by the same process or by those that it forks.
package final class SharedMappings {
  private var namespaces: [UserMapping: SharedDescriptor] = [:]

  package init() {}

  /// Makes the namespace that a container needs, if it needs one.
  package func prepare(for container: ContainerSpecification) {
    // Best effort: the start says what is wrong.
    _ = try? namespace(of: container)
  }

  func namespace(of container: ContainerSpecification) throws(LaunchError) -> SharedDescriptor? {
    guard let users = container.namespaces.users else { return nil }
    if let known = namespaces[users] { return known }
    let namespace = SharedDescriptor(try attempt("make user namespace") { try users.namespace() })
    namespaces[users] = namespace
    return namespace
  }
}

/// Whether this machine can give containers a user namespace of their own, and map the owners of files for it: tried, because
/// it depends on each file system and on settings of the kernel.
package final class OwnerMappingProbe {
  private let namespace: OwnedDescriptor

  /// nil when there can be no such namespace. The calling process must be single-threaded.
  package init?(_ mapping: UserMapping) {
    // Best effort: whatever the reason, the answer is no.
    guard let namespace = try? mapping.namespace() else { return nil }
    self.namespace = namespace
  }

  /// Whether owners can be mapped on the way to everything that is mounted at a path and below it.
  package func canMap(_ path: String, recursive: Bool) -> Bool {
    do throws(SystemCallError) {
      let mount = try DetachedMount(cloning: path, recursive: recursive)
      try mount.mapOwners(through: namespace.borrowed, recursive: recursive)
      return true
    } catch {
      return false
    }
  }
}
