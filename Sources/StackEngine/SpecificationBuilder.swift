import Glibc
import InternetAddress
import IsolationEngine
import LinuxCapabilities
import LinuxCgroup
import LinuxSystem
import StackImages
import StackModel
import StackStore

/// Turns a service and its image into what the isolation engine runs: the one place where both meet.
struct SpecificationBuilder {
  let service: Service
  /// nil for a root file system that is no image.
  let image: ImageConfiguration?
  let layers: [String]
  let container: ContainerDirectory
  let project: String
  /// Where the named and anonymous volumes of the service are, by target.
  let volumePaths: [String: String]
  let interfaces: [InterfaceSpecification]
  let namespaces: NamespaceSpecification
  let users: UserMapping?
  let caller: Caller
  let seccomp: [UInt8]?
  /// Files for the container's /etc.
  let files: [(name: String, content: String)]

  /// The program with its arguments. A service's entrypoint discards the image's command (Compose Specification).
  static func command(of service: Service, image: ImageConfiguration?) -> [String] {
    let entrypoint = service.entrypoint ?? image?.entrypoint ?? []
    let command = service.command ?? (service.entrypoint == nil ? image?.cmd ?? [] : [])
    return entrypoint + command
  }

  func build() throws(EngineError) -> ContainerSpecification {
    var process = ProcessSpecification(
      arguments: Self.command(of: service, image: image), environment: environment,
      workingDirectory: service.workingDirectory ?? image?.workingDirectory.nonEmpty ?? "/",
      user: service.user ?? image?.user ?? "", hasTerminal: service.hasTerminal, usesInit: service.usesInit)
    process.keepsInput = service.keepsStandardInput ?? false
    process.groups = service.supplementaryGroups ?? []
    var namespaces = namespaces
    namespaces.users = users
    var specification = ContainerSpecification(
      id: container.name, directory: container.path, root: RootSpecification(layers: layers),
      hostname: service.containerHostname,
      process: process, namespaces: namespaces,
      cgroup: cgroup)
    specification.domainName = service.domainName
    specification.root.isReadOnly = service.isReadOnly
    specification.root.isMachine = service.root == .host
    specification.interfaces = interfaces
    specification.mounts = Self.ordered(mounts + (try grants()))
    specification.isPrivileged = service.isPrivileged
    specification.capabilities = try capabilities()
    specification.noNewPrivileges = service.noNewPrivileges
    specification.seccomp = seccomp
    specification.recordsCalls = service.recordsCalls ?? false
    specification.resourceLimits = try resourceLimits()
    specification.sysctls = try sysctls(in: namespaces)
    specification.devices = service.devices.map {
      DeviceSpecification(source: $0.source, target: $0.target, access: $0.permissions)
    }
    specification.oomScoreAdjustment = service.oomScoreAdjustment
    return specification
  }

  private var environment: [String] {
    var values: [(name: String, value: String)] = [("HOSTNAME", service.containerHostname)]
    func set(_ name: String, _ value: String) {
      if let index = values.firstIndex(where: { $0.name == name }) {
        values[index].value = value
      } else {
        values.append((name, value))
      }
    }
    for entry in image?.env ?? [] {
      let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      set(String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
    }
    for variable in service.environment { set(variable.name, variable.value) }
    return values.map { "\($0.name)=\($0.value)" }
  }

  /// Enough for servers with thousands of threads, and an end to a fork bomb: what Kubernetes usually gives to a pod.
  private static let processLimit: Int64 = 4096

  private var cgroup: CgroupSpecification {
    var cgroup = CgroupSpecification(path: ["stack", project, container.name])
    let resources = service.resources
    cgroup.limits.memory = resources.memory
    cgroup.limits.memoryAndSwap = resources.memoryAndSwap
    cgroup.limits.memoryReservation = resources.memoryReservation
    cgroup.limits.swappiness = resources.swappiness
    cgroup.limits.disablesOOMKill = resources.disablesOOMKill ?? false
    cgroup.limits.cpuPeriod = resources.cpuPeriod
    // Less than the kernel's least is refused when the group is made.
    cgroup.limits.cpuQuota = resources.cpuQuota ?? resources.cpus.map { CgroupLimits.quota(cpus: $0) ?? 0 }
    cgroup.limits.cpuShares = resources.cpuShares
    cgroup.limits.cpuset = resources.cpuset
    cgroup.limits.pids = resources.pids ?? Self.processLimit
    cgroup.deviceRules = (resources.deviceRules ?? []).map { rule in
      let kind: DeviceRules.Kind = rule.kind == .block ? .block : .character
      return DeviceRules.Rule(kind, rule.major, rule.minor, DeviceRules.Access(rule.access) ?? .all)
    }
    cgroup.limits.blockWeight = resources.blocks?.weight
    cgroup.blockDevices = (resources.blocks?.devices ?? []).map { device in
      let kind: BlockDeviceLimit.Kind =
        switch device.kind {
        case .weight: .weight
        case .readBytes: .readBytes
        case .writeBytes: .writeBytes
        case .readOperations: .readOperations
        case .writeOperations: .writeOperations
        }
      return BlockDeviceSpecification(path: device.path, kind: kind, value: device.value)
    }
    return cgroup
  }

  private var mounts: [MountSpecification] {
    var mounts = service.mounts.map { mount in
      switch mount.source {
      case .bind(let path, _): bind(path, mount)
      case .volume, .anonymousVolume:
        MountSpecification(volume(mount), target: mount.target, isReadOnly: mount.isReadOnly)
      case .tmpfs(let options):
        MountSpecification(.tmpfs(options: options.words), target: mount.target, isReadOnly: mount.isReadOnly)
      }
    }
    let taken = Set(mounts.map(\.target))
    for target in (image?.volumes ?? []).sorted() where !taken.contains(target) {
      if let path = volumePaths[target] { mounts.append(MountSpecification(.volume(path), target: target)) }
    }
    if !taken.contains("/dev/shm"), namespaces.communication == .own, service.hasNoSharedMemory != true {
      let size = service.sharedMemorySize ?? 64 << 20
      mounts.append(MountSpecification(.tmpfs(options: ["mode=1777", "size=\(size)"]), target: "/dev/shm"))
    }
    // The user's own mount at or above a file of the engine wins, and the host's directory below it stays untouched.
    for file in files where !taken.contains("/etc/\(file.name)") && !taken.contains("/etc") {
      mounts.append(MountSpecification(.ownFile(content: file.content), target: "/etc/\(file.name)"))
    }
    return mounts
  }

  private func bind(_ path: String, _ mount: Mount) -> MountSpecification {
    var specification = MountSpecification(.bind(path), target: mount.target, isReadOnly: mount.isReadOnly)
    specification.caller = caller.owner(of: path, asked: service.givesFilesToCaller)
    specification.needsCaller = service.givesFilesToCaller == true
    switch mount.propagation {
    case nil, .private: break
    case .slave: specification.propagation = .slave
    case .shared: specification.propagation = .shared
    }
    switch mount.below {
    case nil: break
    case .absent: specification.below = .absent
    case .writable: specification.below = .writable
    }
    return specification
  }

  private func volume(_ mount: Mount) -> MountSpecification.Source {
    let path = volumePaths[mount.target] ?? ""
    if let part = mount.subpath { return .part(of: path, path: part) }
    return mount.keepsEmpty == true ? .bind(path) : .volume(path)
  }

  /// What lies above must be mounted first. Equal depths keep the order of the file.
  private static func ordered(_ mounts: [MountSpecification]) -> [MountSpecification] {
    func depth(_ mount: MountSpecification) -> Int { mount.target.split(separator: "/").count }
    return mounts.enumerated().sorted { (depth($0.element), $0.offset) < (depth($1.element), $1.offset) }
      .map(\.element)
  }

  /// Secrets and settings, in memory, with the owner and mode that the file asks for.
  private func grants() throws(EngineError) -> [MountSpecification] {
    var mounts: [MountSpecification] = []
    for grant in (service.secrets ?? []) + (service.configs ?? []) {
      let access = MountSpecification.FileAccess(uid: grant.uid ?? 0, gid: grant.gid ?? 0, mode: grant.mode ?? 0o444)
      mounts.append(
        MountSpecification(
          .grantedFile(content: try content(of: grant), access: access), target: grant.target, isReadOnly: true))
    }
    return mounts
  }

  private func content(of grant: FileGrant) throws(EngineError) -> [UInt8] {
    switch grant.source {
    case .content(let text): return Array(text.utf8)
    case .unset(let variable):
      throw EngineError(.usage, service.name, "the variable \(variable) is not set, and \(grant.key) needs it")
    case .external(let name):
      throw EngineError(.usage, service.name, "\(grant.key) is external, but there is no store that has \(name)")
    case .file(let path):
      do throws(SystemCallError) {
        return try Files.readAll(path)
      } catch {
        throw EngineError(.usage, service.name, "cannot read \(path) for \(grant.key): \(error)")
      }
    }
  }

  private func capabilities() throws(EngineError) -> CapabilityMasks {
    let state = CapabilityState(granting: try service.grantedCapabilities())
    var masks = CapabilityMasks()
    masks.bounding = state.bounding.rawValue
    masks.effective = state.effective.rawValue
    masks.permitted = state.permitted.rawValue
    masks.inheritable = state.inheritable.rawValue
    masks.ambient = state.ambient.rawValue
    return masks
  }

  private static let limitNumbers: [String: Int32] = [
    "cpu": 0, "fsize": 1, "data": 2, "stack": 3, "core": 4, "rss": 5, "nproc": 6, "nofile": 7, "memlock": 8, "as": 9,
    "locks": 10, "sigpending": 11, "msgqueue": 12, "nice": 13, "rtprio": 14, "rttime": 15,
  ]

  private func resourceLimits() throws(EngineError) -> [ResourceLimitSpecification] {
    var limits: [ResourceLimitSpecification] = []
    for limit in service.ulimits {
      guard let number = Self.limitNumbers[limit.name] else {
        throw EngineError(.usage, service.name, "there is no resource limit \(limit.name) (man 2 getrlimit)")
      }
      func value(_ number: Int64) -> UInt64 { number < 0 ? .max : UInt64(number) }
      limits.append(
        ResourceLimitSpecification(resource: number, soft: value(limit.soft), hard: value(limit.hard)))
    }
    return limits
  }

  /// In a network namespace of its own a container may ping and bind low ports without a capability for it.
  private func sysctls(in namespaces: NamespaceSpecification) throws(EngineError) -> [SysctlSpecification] {
    var values = service.sysctls
    if namespaces.network == .own {
      if values["net.ipv4.ping_group_range"] == nil {
        values["net.ipv4.ping_group_range"] = "0 \(users.map { $0.count - 1 } ?? 0x7fff_ffff)"
      }
      if values["net.ipv4.ip_unprivileged_port_start"] == nil {
        values["net.ipv4.ip_unprivileged_port_start"] = "0"
      }
    }
    let settings = values.sorted { $0.key < $1.key }.map { SysctlSpecification(key: $0.key, value: $0.value) }
    if let setting = settings.first(where: { !namespaces.contains($0) }) {
      throw EngineError(.usage, service.name, "sysctl \(setting.key) is a setting of the whole machine")
    }
    return settings
  }
}

extension Service {
  /// The host name of its containers: the service's own name unless the file gives another; on the machine's network the
  /// machine's, which is what resolves there, and also where it shares that.
  var containerHostname: String {
    if let hostname { return hostname }
    guard networkMode == .host || sharesHostname == true, let text = try? Files.text("/proc/sys/kernel/hostname") else {
      return ownHostname
    }
    return text.split(separator: "\n").first.map(String.init) ?? ownHostname
  }

  /// The service's name means the service: what is not one of its containers has another.
  private var ownHostname: String {
    switch instance?.kind {
    case nil, .replica: serviceName
    case .oneOff(let identifier): "\(serviceName)-run-\(identifier)"
    case .initStep(let place): "\(serviceName)-pre-start-\(place.index)"
    }
  }
}

extension TmpfsOptions {
  /// As tmpfs(5) and the engine take them.
  fileprivate var words: [String] {
    [
      size.map { "size=\($0)" }, inodes.map { "nr_inodes=\($0)" }, "mode=\(String(mode ?? 0o1777, radix: 8))",
      uid.map { "uid=\($0)" }, gid.map { "gid=\($0)" },
    ].compactMap { $0 } + (allowed ?? [])
  }
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
