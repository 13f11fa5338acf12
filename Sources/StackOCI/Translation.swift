import Glibc
import IsolationEngine
import LinuxCapabilities
import LinuxCgroup
import LinuxMounts
import LinuxSeccomp
import LinuxSystem

/// A configuration as what the engine starts, on this machine.
struct Translation {
  let configuration: OCIConfiguration
  let id: String
  /// Absolute: where relative paths start.
  let bundle: String
  /// Where compiled filters are kept.
  let filters: String

  func specification() throws -> ContainerSpecification {
    // Only `start` needs it.
    let process = configuration.process ?? OCIProcess()
    if configuration.process != nil && process.arguments.isEmpty { throw OCIError("process.args is empty") }
    guard !configuration.rootPath.isEmpty else { throw OCIError("root is missing in config.json") }
    try check()
    let root = absolute(configuration.rootPath)
    var network = NamespaceSpecification.Source.host
    if configuration.namespaces.network == .own { network = .own }
    var specification = ContainerSpecification(
      id: id, directory: root, root: RootSpecification(layers: []), hostname: configuration.hostname ?? "",
      process: Self.process(process), namespaces: NamespaceSpecification(network: network),
      cgroup: CgroupSpecification(path: try cgroupPath()))
    specification.root.isReadOnly = configuration.isRootReadOnly
    specification.capabilities = Self.available(process.capabilities ?? CapabilityMasks())
    specification.noNewPrivileges = process.noNewPrivileges
    specification.resourceLimits = process.resourceLimits
    specification.sysctls = configuration.sysctls
    specification.domainName = configuration.domainName.flatMap { $0.isEmpty ? nil : $0 }
    specification.oomScoreAdjustment = process.oomScoreAdjustment
    var listed = ListedContainer(root: self.root(root))
    if let profile = try profile() {
      // One whose filter never asks is told all the same, as crun does: whoever listens there expects to be.
      listed.asksListener = profile.asksListener || configuration.listenerPath != nil
      specification.seccomp = try SeccompCache(directory: filters)
        .filter(for: profile, capabilities: CapabilitySet(rawValue: specification.capabilities.bounding)).wireBytes
    }
    listed.networkDevices = configuration.networkDevices
    listed.namespaces = configuration.namespaces
    listed.process = Self.onThisMachine(process.user)
    if let value = configuration.annotations[Annotation.keepsGroups], value != "0" { listed.process.keepsGroups = true }
    listed.process.personality = configuration.personality
    listed.process.memoryPolicy = configuration.memoryPolicy
    listed.resources = configuration.resources.settings
    listed.resources.devices = Self.deviceRules(configuration.resources.devices)
    specification.listed = listed
    return specification
  }

  static func process(_ process: OCIProcess) -> ProcessSpecification {
    ProcessSpecification(
      arguments: process.arguments, environment: process.environment, workingDirectory: process.workingDirectory,
      user: "\(process.user.uid)", hasTerminal: process.hasTerminal)
  }

  /// A profile of a security module that the machine does not have is left out, as other runtimes do.
  static func onThisMachine(_ process: ListedProcess) -> ListedProcess {
    var process = process
    if !Files.exists("/sys/kernel/security/apparmor") { process.appArmorProfile = nil }
    if !Files.exists("/sys/fs/selinux/enforce") { process.selinuxLabel = nil }
    return process
  }

  /// What the caller does not have itself cannot be given on.
  static func available(_ masks: CapabilityMasks) -> CapabilityMasks {
    let limit = ProcessCapabilities.bounding().rawValue
    var masks = masks
    masks.bounding &= limit
    masks.effective &= limit
    masks.permitted &= limit
    masks.inheritable &= limit
    masks.ambient &= limit & masks.permitted & masks.inheritable
    return masks
  }

  private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "\(bundle)/\(path)" }

  // MARK: Root

  private func root(_ directory: String) -> ListedRoot {
    var root = ListedRoot(directory: directory)
    root.mounts = configuration.mounts.map { mount in
      var mount = mount
      // A place that is named as the host sees it is the same place.
      if mount.target.hasPrefix("\(directory)/") { mount.target.removeFirst(directory.count) }
      guard case .bind(let path, let isRecursive) = mount.source else { return mount }
      mount.source = .bind(absolute(path), isRecursive: isRecursive)
      return mount
    }
    let own = configuration.devices
    let standard = Self.standardDevices.filter { device in !own.contains { $0.path == device.path } }
    root.devices = standard + own
    root.maskedPaths = configuration.maskedPaths
    root.readOnlyPaths = configuration.readOnlyPaths
    switch configuration.rootPropagation {
    case .shared, .rshared: (root.propagation, root.namespacePropagation) = (.shared, .slave)
    case .slave, .rslave: (root.propagation, root.namespacePropagation) = (.slave, .slave)
    case .unbindable, .runbindable: (root.propagation, root.namespacePropagation) = (.unbindable, .private)
    case .private, .rprivate, nil: break
    }
    return root
  }

  private static let standardDevices = [
    DeviceNode("/dev/null", .character, 1, 3), DeviceNode("/dev/zero", .character, 1, 5),
    DeviceNode("/dev/full", .character, 1, 7), DeviceNode("/dev/random", .character, 1, 8),
    DeviceNode("/dev/urandom", .character, 1, 9), DeviceNode("/dev/tty", .character, 5, 0),
  ]

  // MARK: Cgroup

  private func cgroupPath() throws -> [String] {
    guard let path = configuration.cgroupsPath, !path.isEmpty else { return [CommonGroup.name, id] }
    // A name for systemd is a slice, a prefix and a name: without systemd it is three directories' worth of one.
    if path.split(separator: ":", omittingEmptySubsequences: false).count == 3 && !path.contains("/") {
      let parts = path.split(separator: ":", omittingEmptySubsequences: false)
      return [parts[0].isEmpty ? "system.slice" : String(parts[0]), "\(parts[1])-\(parts[2]).scope"]
    }
    let components = path.split(separator: "/").map(String.init).filter { $0 != "." }
    guard !components.contains("..") else { throw OCIError("cgroupsPath \(path) leads out of the cgroup file system") }
    // Relative paths start at a place of the runtime's choice.
    return path.hasPrefix("/") ? components : [CommonGroup.name] + components
  }

  /// What every container may use in the end, whatever is denied before it; nothing when nothing is said about devices.
  private static func deviceRules(_ rules: [DeviceDecision]) -> [DeviceDecision]? {
    if rules.isEmpty { return nil }
    let usual = DeviceRules.containerDefault.allowed.map {
      DeviceDecision(isAllowed: true, $0.kind, $0.major, $0.minor, $0.access)
    }
    return rules + usual
  }

  // MARK: Checks

  private func check() throws {
    let namespaces = configuration.namespaces
    if configuration.hostname?.isEmpty == false && namespaces.uts == .inherited {
      throw OCIError("hostname needs a uts namespace")
    }
    if configuration.domainName?.isEmpty == false && namespaces.uts == .inherited {
      throw OCIError("domainname needs a uts namespace")
    }
    if namespaces.user == .own && (namespaces.uids.isEmpty || namespaces.gids.isEmpty) {
      throw OCIError("a user namespace needs uidMappings and gidMappings")
    }
    if namespaces.user != .own && !(namespaces.uids.isEmpty && namespaces.gids.isEmpty) {
      throw OCIError("uidMappings and gidMappings need a user namespace of the container's own")
    }
    if configuration.resources.unifiedOnly, try !CgroupHierarchy.current().legacy.isEmpty {
      throw OCIError("invalid configuration: linux.resources.unified is for machines with cgroup v2 alone")
    }
    if configuration.sharesCaches { throw OCIError("linux.intelRdt is not supported") }
    if !configuration.networkDevices.isEmpty && namespaces.network == .inherited {
      throw OCIError("netDevices need a network namespace")
    }
    for sysctl in configuration.sysctls { try check(sysctl) }
  }

  /// Settings of the whole machine are not a container's to make.
  private func check(_ sysctl: SysctlSpecification) throws {
    let key = sysctl.dottedKey
    let namespaces = configuration.namespaces
    let origin: ListedNamespaces.Origin =
      switch sysctl.scope {
      case .communication: namespaces.ipc
      case .network: namespaces.network
      case .names: namespaces.uts
      case .users: namespaces.user
      case nil: .inherited
      }
    guard origin != .inherited else {
      throw OCIError("sysctl \"\(sysctl.key)\" is not in a separate kernel namespace")
    }
    if key == "kernel.domainname", let name = configuration.domainName, !name.isEmpty, name != sysctl.value {
      throw OCIError("sysctl \"kernel.domainname\" conflicts with domainname")
    }
    // There is a field for it.
    if key == "kernel.hostname" { throw OCIError("sysctl \"kernel.hostname\" is not allowed: it is hostname's") }
  }

  // MARK: Filter

  private func profile() throws -> SeccompProfile? {
    guard let json = configuration.seccomp else { return nil }
    let profile = try SeccompProfile(json: json, source: "linux.seccomp", listenable: true)
    if let value = configuration.annotations[Annotation.refusesUnknownCalls], value != "0",
      let name = profile.unknownNames.first
    {
      throw OCIError("linux.seccomp: unknown system call \"\(name)\"")
    }
    return profile
  }
}

/// Annotations that mean something to the runtime. crun has given them their names, and engines set them.
enum Annotation {
  /// The groups of the caller stay those of the container's process.
  static let keepsGroups = "run.oci.keep_original_groups"
  /// A profile with names of calls that nobody knows is an error.
  static let refusesUnknownCalls = "run.oci.seccomp_fail_unknown_syscall"
  /// Files that hooks write to.
  static let hookOutput = "run.oci.hooks.stdout"
  static let hookErrors = "run.oci.hooks.stderr"
}

/// Why a command failed, for who called it.
struct OCIError: Error, CustomStringConvertible {
  let description: String
  /// nil is what the command says of all its failures.
  var exitCode: CInt?

  init(_ description: String, exitCode: CInt? = nil) {
    self.description = description
    self.exitCode = exitCode
  }
}
