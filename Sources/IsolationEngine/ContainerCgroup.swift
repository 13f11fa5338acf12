import CLinuxShim
import Glibc
import LinuxCapabilities
import LinuxCgroup
import LinuxSystem
import SystemPackage

/// The cgroup of one container.
struct ContainerCgroup {
  private let cgroup: Cgroup

  /// Makes the cgroup with its limits.
  init(_ container: ContainerSpecification) throws {
    if container.listed == nil, container.cgroup.path.count == 3 {
      try StackScope.enter(project: container.cgroup.path[1])
    }
    try self.init(existing: container)
    if container.listed != nil { try cgroup.checkUnused() }
    do {
      if let listed = container.listed {
        try cgroup.create(listed.resources)
        return
      }
      // What is left of a container whose state was lost may run in it, and it may be frozen. All are counted by `pids`.
      if let directory = cgroup.directory(of: .pids), Files.exists(directory) {
        try cgroup.kill()
        try cgroup.remove()
      }
      let devices = container.canHaveDevices ? try Self.devices(of: container) : nil
      var limits = container.cgroup.limits
      limits.blockDevices += try container.cgroup.blockDevices.map(Self.limit)
      let unapplied = try cgroup.create(limits, devices: devices)
      // Swap that is not counted leaves the limit of the memory, what version 2 does not have limits nothing, and a weight is
      // only a share; without its controller a limit would be none at all.
      let harmless: [UnappliedLimit.Reason] = [.noSwapAccounting, .notInVersion2, .notInKernel]
      if let first = unapplied.first(where: { !harmless.contains($0.reason) }) {
        throw LaunchError("make cgroup", first.description)
      }
    } catch {
      // Best effort: the failure to report is the first one.
      try? cgroup.remove()
      throw error
    }
  }

  /// - Parameter below: a group below the container's own.
  init(existing container: ContainerSpecification, below: [String] = []) throws(CgroupError) {
    let path = container.cgroup.path + below
    if container.listed != nil {
      cgroup = try Cgroup(try CgroupHierarchy.current(), components: path)
      return
    }
    guard path.count == 3, path[0] == "stack" else { throw .invalidName(path.joined(separator: "/")) }
    cgroup = try Cgroup(try CgroupHierarchy.current(), project: path[1], container: path[2])
  }

  private static func limit(_ device: BlockDeviceSpecification) throws -> BlockDeviceLimit {
    let file = try Files.open(device.path, O_PATH)
    let status = try Files.status(file.borrowed)
    guard status.st_mode & S_IFMT == S_IFBLK else {
      throw LaunchError("make cgroup", "\(device.path) is not a block device")
    }
    return BlockDeviceLimit(device.kind, stk_major(status.st_rdev), stk_minor(status.st_rdev), device.value)
  }

  private static func devices(of container: ContainerSpecification) throws(SystemCallError) -> DeviceRules {
    var rules = DeviceRules.containerDefault
    rules.allowed += container.cgroup.deviceRules
    for device in container.devices {
      let file = try Files.open(device.source, O_PATH)
      let status = try Files.status(file.borrowed)
      let kind: DeviceRules.Kind = status.st_mode & S_IFMT == S_IFBLK ? .block : .character
      let access = DeviceRules.Access(device.access) ?? .all
      rules.allowed.append(DeviceRules.Rule(kind, stk_major(status.st_rdev), stk_minor(status.st_rdev), access))
    }
    return rules
  }

  func openForClone() throws(CgroupError) -> SharedDescriptor? { try cgroup.openForClone() }
  /// The way into the parts of the group where clone3(2) does not lead.
  /// - Parameter controllers: only the parts that have them; empty is all.
  func openEntrance(only controllers: [CgroupController] = []) throws(CgroupError) -> CgroupEntrance {
    try cgroup.openEntrance(unified: false, only: controllers)
  }
  func exists(for controllers: [CgroupController]) -> Bool {
    if controllers.isEmpty { return exists }
    return controllers.allSatisfy { cgroup.directory(of: $0).map { Files.exists($0) } ?? false }
  }
  var exists: Bool { cgroup.exists }
  func kill() throws(CgroupError) { try cgroup.kill() }
  func remove() throws(CgroupError) { try cgroup.remove() }
  var outOfMemoryKills: UInt64 { get throws(CgroupError) { try cgroup.oomKills() ?? 0 } }
}

extension ContainerLaunch {
  /// Whether the kernel killed a process of the container because of its memory limit.
  package static func wasOutOfMemory(_ container: ContainerSpecification) -> Bool {
    (try? ContainerCgroup(existing: container).outOfMemoryKills).map { $0 > 0 } ?? false
  }

  /// Kills what is left in the container's cgroup and removes it.
  package static func removeCgroup(_ container: ContainerSpecification) {
    // Best effort: what is still busy is removed with the project.
    guard let cgroup = try? ContainerCgroup(existing: container) else { return }
    try? cgroup.kill()
    try? cgroup.remove()
  }
}

extension ContainerSpecification {
  /// Whether device nodes can be in the container besides the engine's own: made with CAP_MKNOD, brought by a mount of the
  /// host, or asked for. Where there are none, the root is mounted `nodev` instead of watching every access.
  var canHaveDevices: Bool {
    if isPrivileged { return false }
    let makesNodes = capabilities.bounding & CapabilitySet.mknod.rawValue != 0
    return makesNodes || !devices.isEmpty || mounts.contains { $0.bringsHostFiles }
  }
}

extension MountSpecification {
  fileprivate var bringsHostFiles: Bool {
    switch source {
    case .bind, .volume, .part: true
    case .ownFile, .grantedFile, .tmpfs: false
    }
  }
}
