import Glibc
import IsolationEngine
import LinuxSeccomp
import LinuxSystem
import StackImages
import StackModel
import StackPlan
import StackStore

/// The user namespace of a service.
enum UserNamespaceChoice {
  case own(UserMapping)
  /// The machine's, because of what the text says.
  case machine(String)

  /// nil for the machine's.
  var mapping: UserMapping? {
    if case .own(let mapping) = self { mapping } else { nil }
  }
}

/// The user namespace of each service: which numbers its users have on the machine.
///
/// All services of a stack have the same, so that they can share volumes and networks; no two stacks have.
final class UserNamespaces {
  private let engine: Engine
  private let project: ProjectDirectory
  private let services: [Service]
  private var range: UserMapping?
  private var choices: [String: UserNamespaceChoice] = [:]
  private lazy var files = FileOwners(engine: engine)

  init(engine: Engine, project: ProjectDirectory, services: [Service]) {
    self.engine = engine
    self.project = project
    self.services = services
  }

  func choice(for prepared: PreparedService) throws(EngineError) -> UserNamespaceChoice {
    if let known = choices[prepared.service.name] { return known }
    let choice = try choose(for: prepared)
    choices[prepared.service.name] = choice
    return choice
  }

  private func choose(for prepared: PreparedService) throws(EngineError) -> UserNamespaceChoice {
    let service = prepared.service
    if let reason = shareOfMachine(service) { return .machine(reason) }
    let isAsked = service.userNamespace != .default
    switch isAsked ? service.userNamespace : try engine.caller.userNamespaceMode {
    case .host: return .machine(isAsked ? "userns_mode: host" : "STACK_USERNS=host")
    case .range(let base, let count): return .own(UserMapping(base: base, count: count))
    case .private:
      guard let range = try stackRange() else { throw EngineError(.hostRefuses, Self.noneLeft) }
      return .own(range)
    case .auto, .default:
      if let reason = hindrance(in: service, prepared.image) { return .machine(reason) }
      // Layers of overlayfs can be mapped from 5.19 on, tmpfs from 6.3 on: below, too little can be.
      guard Self.kernel >= KernelVersion(6, 3) else { return .machine("a kernel before Linux 6.3") }
      guard let range = try stackRange() else { return .machine(Self.noneLeft) }
      let reason = try files.hindrance(in: prepared, range)
      return reason.map { .machine($0) } ?? .own(range)
    }
  }

  private static let noneLeft = "no numbers are left for the users of one more stack"

  // MARK: Whether

  /// What a service is given of the machine itself: in a user namespace of its own it could not use it.
  private func shareOfMachine(_ service: Service) -> String? {
    if service.isPrivileged { return "privileged" }
    if service.pid == .host { return "pid: host" }
    if service.ipc == .host { return "ipc: host" }
    var mode = service.networkMode
    // As deep as there are services: a circle has been refused.
    for _ in services {
      guard case .service(let name) = mode, let owner = services.first(where: { $0.name == name }) else { break }
      mode = owner.networkMode
    }
    return mode == .host ? "network_mode: host" : nil
  }

  /// Capabilities that mean the same in a user namespace of one's own as outside, or nothing to a container in both.
  private static let contained: Set<String> = [
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "SETFCAP", "NET_BIND_SERVICE",
    "SYS_CHROOT", "NET_RAW", "NET_ADMIN", "NET_BROADCAST", "SYS_PTRACE", "IPC_OWNER",
  ]

  /// Settings of a network namespace that whoever owns it may change. Others, as `net.core.somaxconn` and those of neighbours,
  /// are hidden by some kernels in a network namespace that belongs to another user namespace than the first.
  private static let containedSettings = ["net.ipv4.ip_", "net.ipv4.tcp_", "net.ipv4.conf.", "net.ipv6.conf."]

  /// What a service asks for that it would not have in a user namespace of its own; nil when there is nothing.
  private func hindrance(in service: Service, _ image: ImageConfiguration?) -> String? {
    if service.root == .host { return "rootfs: host" }
    if let capability = service.addedCapabilities.first(where: { !Self.contained.contains($0) }) {
      return "cap_add \(capability)"
    }
    // The network of another belongs to another user namespace.
    if let owner = service.networkOwner,
      let capability = service.addedCapabilities.first(where: { $0.hasPrefix("NET_") })
    {
      return "cap_add \(capability) on the network of service \(owner)"
    }
    if let other = partner(of: service) { return "processes or IPC shared with service \(other)" }
    if service.sharesCgroupNamespace == true { return "cgroup: host" }
    if let device = service.devices.first { return "device \(device.source)" }
    if service.resources.deviceRules?.isEmpty == false { return "device_cgroup_rules" }
    if let key = service.sysctls.keys.sorted().first(where: { !isContained($0, service.sysctls[$0] ?? "") }) {
      return "sysctl \(key)"
    }
    let user = service.user ?? image?.user ?? ""
    let numbers = (user.split(separator: ":") + (service.supplementaryGroups ?? []).map { $0[...] })
      .compactMap { UInt32($0) }
    if let number = numbers.first(where: { $0 >= UserRanges.size }) { return "user or group \(number)" }
    return nil
  }

  private func isContained(_ key: String, _ value: String) -> Bool {
    if key == "net.ipv4.ping_group_range" {
      return value.split(whereSeparator: \.isWhitespace).allSatisfy { UInt32($0).map { $0 < UserRanges.size } ?? false }
    }
    return Self.containedSettings.contains { key.hasPrefix($0) }
  }

  /// A service with which it shares processes or IPC, in either direction.
  private func partner(of service: Service) -> String? {
    func owners(_ service: Service) -> [String] { [service.pid?.owner, service.ipc?.owner].compactMap { $0 } }
    return owners(service).first
      ?? services.first { owners($0).contains(service.name) || owners($0).contains(service.serviceName) }?.serviceName
  }

  private static let kernel =
    (try? Files.text("/proc/sys/kernel/osrelease")).flatMap { KernelVersion($0) } ?? KernelVersion(0, 0)

  // MARK: Which

  /// - Returns: nil when none is left.
  private func stackRange() throws(EngineError) -> UserMapping? {
    if let range { return range }
    range = try engineStep("user namespace") { () throws -> UserMapping? in
      if let kept = try project.readUsers() { return UserMapping(base: kept.base, count: kept.count) }
      // Others choose at the same time: one after the other.
      let path = "\(engine.paths.run)/locks/.users"
      let lock = try FileLock(path)
      defer {
        // Best effort: an empty file is no harm.
        try? Files.removeFile(path)
        withExtendedLifetime(lock) {}
      }
      let stacks = try engine.paths.projects().compactMap { try engine.paths.project($0).readUsers() }
        .map { UserRanges.Range(first: UInt64($0.base), count: UInt64($0.count)) }
      let foreign = ["/etc/subuid", "/etc/subgid"].compactMap { try? Files.text($0) }.flatMap(UserRanges.parse)
      guard let base = UserRanges.choose(for: project.name, taken: stacks + foreign) else { return nil }
      try project.write(usersFrom: base, count: UserRanges.size)
      return UserMapping(base: base, count: UserRanges.size)
    }
    return range
  }
}
