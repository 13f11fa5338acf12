import Glibc
import IsolationEngine
import LinuxSeccomp
import LinuxSystem
import StackImages
import StackModel
import StackPlan
import StackStore

/// The user namespace of each service: which numbers its users have on the machine.
///
/// All services of a stack have the same, so that they can share volumes and networks; no two stacks have.
final class UserNamespaces {
  private let engine: Engine
  private let project: ProjectDirectory
  private var range: UserMapping?
  private var probe: OwnerMappingProbe??
  private var mappable: [String: Bool] = [:]

  init(engine: Engine, project: ProjectDirectory) {
    self.engine = engine
    self.project = project
  }

  /// - Returns: nil for the machine's own user namespace.
  func mapping(
    for prepared: PreparedService, _ namespaces: NamespaceSpecification
  ) throws(EngineError) -> UserMapping? {
    let service = prepared.service
    // They are given the machine itself, or a part of it: in a user namespace they could not use it.
    let shared = [namespaces.network, namespaces.processes, namespaces.communication]
    if service.isPrivileged || shared.contains(.host) { return nil }
    switch try mode(of: service) {
    case .host: return nil
    case .range(let base, let count): return UserMapping(base: base, count: count)
    case .private: return try stackRange()
    case .auto, .default:
      if hindrance(in: service, prepared.image) != nil { return nil }
      let range = try stackRange()
      return canMapAll(of: prepared, range) ? range : nil
    }
  }

  private func mode(of service: Service) throws(EngineError) -> UserNamespaceMode {
    if service.userNamespace != .default { return service.userNamespace }
    switch engine.caller.userNamespaces {
    case nil: return .host
    case "host": return .host
    case "auto": return .auto
    case let other?: throw EngineError(.usage, "STACK_USERNS is auto or host, not \(other)")
    }
  }

  // MARK: Whether

  /// Capabilities that mean the same in a user namespace of one's own as outside, or nothing to a container in both.
  private static let contained: Set<String> = [
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "SETFCAP", "NET_BIND_SERVICE",
    "SYS_CHROOT", "NET_RAW", "NET_ADMIN", "NET_BROADCAST", "SYS_PTRACE", "IPC_OWNER",
  ]

  /// What a service asks for that it would not have in a user namespace of its own; nil when there is nothing.
  private func hindrance(in service: Service, _ image: ImageConfiguration?) -> String? {
    if service.root == .host { return "rootfs: host" }
    if let capability = service.addedCapabilities.first(where: { !Self.contained.contains($0) }) {
      return "cap_add \(capability)"
    }
    // Settings of the IPC namespace belong to the machine's root before Linux 5.19, and some still do.
    if let key = service.sysctls.keys.sorted().first(where: { !$0.hasPrefix("net.") }) { return "sysctl \(key)" }
    let user = service.user ?? image?.user ?? ""
    let numbers = user.split(separator: ":").compactMap { UInt32($0) }
    if numbers.contains(where: { $0 >= UserRanges.size }) { return "user \(user)" }
    return nil
  }

  private func canMapAll(of prepared: PreparedService, _ range: UserMapping) -> Bool {
    // Layers of overlayfs can be mapped from 5.19 on, tmpfs from 6.3 on: below, too little can be.
    guard Self.kernel >= KernelVersion(6, 3) else { return false }
    if !([engine.paths.baseLayer] + prepared.layers).allSatisfy({ canMap($0, recursive: false, range) }) {
      return false
    }
    return prepared.service.mounts.allSatisfy { mount in
      switch mount.source {
      case .bind(let path, _): canBind(path, range)
      case .volume, .anonymousVolume: canMap(engine.paths.volumes, recursive: false, range)
      case .tmpfs: true
      }
    }
  }

  private static let kernel =
    (try? Files.text("/proc/sys/kernel/osrelease")).flatMap { KernelVersion($0) } ?? KernelVersion(0, 0)

  private func canBind(_ path: String, _ range: UserMapping) -> Bool {
    // Best effort: a directory that is still to be made is on the file system of the one above it.
    guard let status = try? Files.status(path) else {
      let parent = path.split(separator: "/").dropLast().joined(separator: "/")
      return parent.isEmpty || canBind("/\(parent)", range)
    }
    // Who listens on a socket sees the number of whoever connects, and takes only root for root.
    if status.st_mode & S_IFMT == S_IFSOCK { return false }
    // Root of a container may not write where the owner has no number in it. The caller has: see `OwnerMap`.
    let owners = [status.st_uid, status.st_gid]
    if owners.contains(where: { $0 >= UserRanges.size }), engine.caller.owner(of: path, asked: nil) == nil {
      return false
    }
    return canMap(path, recursive: true, range)
  }

  private func canMap(_ path: String, recursive: Bool, _ range: UserMapping) -> Bool {
    if let known = mappable[path] { return known }
    let probe = probe ?? OwnerMappingProbe(range)
    self.probe = .some(probe)
    let result = probe?.canMap(path, recursive: recursive) ?? false
    mappable[path] = result
    return result
  }

  // MARK: Which

  private func stackRange() throws(EngineError) -> UserMapping {
    if let range { return range }
    let base = try engineStep("user namespace") {
      if let kept = try project.readUserBase() { return kept }
      // Others choose at the same time: one after the other.
      let path = "\(engine.paths.run)/locks/.users"
      let lock = try FileLock(path)
      defer {
        // Best effort: an empty file is no harm.
        try? Files.removeFile(path)
        withExtendedLifetime(lock) {}
      }
      let taken = try engine.paths.projects().compactMap { try engine.paths.project($0).readUserBase() }
      let foreign = ["/etc/subuid", "/etc/subgid"].compactMap { try? Files.text($0) }.flatMap(UserRanges.parse)
      guard let base = UserRanges.choose(for: project.name, taken: Set(taken), foreign: foreign) else {
        throw EngineError(.hostRefuses, "no numbers are left for the users of one more stack")
      }
      try project.write(userBase: base)
      return base
    }
    let mapping = UserMapping(base: base, count: UserRanges.size)
    range = mapping
    return mapping
  }
}
