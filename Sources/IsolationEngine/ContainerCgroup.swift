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
  init(_ container: ContainerSpecification) throws(SystemCallError) {
    try self.init(existing: container)
    var limits = CgroupLimits()
    limits.memory = container.cgroup.memory
    limits.memoryAndSwap = container.cgroup.memoryAndSwap
    limits.cpus = container.cgroup.cpus
    limits.cpuShares = container.cgroup.cpuShares
    limits.cpuset = container.cgroup.cpuset
    limits.pids = container.cgroup.pids
    do throws(SystemCallError) {
      try cgroup.create(limits, devices: container.canHaveDevices ? try Self.devices(of: container) : nil)
    } catch {
      // Best effort: the failure to report is the first one.
      try? cgroup.remove()
      throw error
    }
  }

  init(existing container: ContainerSpecification) throws(SystemCallError) {
    guard let cgroup = Cgroup(container.cgroup.path, in: try CgroupHierarchies.current()) else {
      throw SystemCallError("mkdir", on: container.cgroup.path.joined(separator: "/"), .invalidArgument)
    }
    self.cgroup = cgroup
  }

  private static func devices(of container: ContainerSpecification) throws(SystemCallError) -> [DeviceRule] {
    var rules = DeviceRule.standard
    for device in container.devices {
      let file = try Files.open(device.source, O_PATH)
      let status = try Files.status(file.borrowed)
      let kind: DeviceRule.Kind = status.st_mode & S_IFMT == S_IFBLK ? .block : .character
      rules.append(DeviceRule(kind, stk_major(status.st_rdev), stk_minor(status.st_rdev), device.access))
    }
    return rules
  }

  func joinSelf() throws(SystemCallError) { try cgroup.joinSelf() }
  func openForClone() throws(SystemCallError) -> SharedDescriptor? { try cgroup.openForClone() }
  func remove() throws(SystemCallError) { try cgroup.remove() }
  var outOfMemoryKills: Int { cgroup.outOfMemoryKills() }
}

extension ContainerLaunch {
  /// Whether the kernel killed a process of the container because of its memory limit.
  package static func wasOutOfMemory(_ container: ContainerSpecification) -> Bool {
    (try? ContainerCgroup(existing: container).outOfMemoryKills).map { $0 > 0 } ?? false
  }

  /// Kills what is left in the container's cgroup and removes it.
  package static func removeCgroup(_ container: ContainerSpecification) {
    // Best effort: what is still busy is removed with the project.
    try? ContainerCgroup(existing: container).remove()
  }
}

extension ContainerSpecification {
  /// Whether device nodes can be in the container besides the engine's own: made with CAP_MKNOD, brought by a mount of the
  /// host, or asked for. Where there are none, the root is mounted `nodev` instead of watching every access.
  var canHaveDevices: Bool {
    if isPrivileged { return false }
    let makesNodes = capabilities.bounding & CapabilitySet.makeNodes.rawValue != 0
    return makesNodes || !devices.isEmpty || mounts.contains { $0.bringsHostFiles }
  }
}

extension MountSpecification {
  fileprivate var bringsHostFiles: Bool {
    switch source {
    case .bind, .volume: true
    case .ownFile, .tmpfs: false
    }
  }
}
