import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// Puts the container's root together, inside its mount namespace: the container process's half of the mounts.
///
/// The order is binding: system file systems come before the user's mounts, so that nothing of the user's is covered by them
/// unseen; masks come last, so that nothing covers them.
struct RootAssembly {
  private let container: ContainerSpecification
  private let root: RootDirectory

  /// - Parameter root: the container's root, already mounted in this mount namespace.
  init(_ container: ContainerSpecification, root: RootDirectory) {
    self.container = container
    self.root = root
  }

  static let maskedPaths = [
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
    "/sys/firmware",
  ]
  static let readOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

  func assemble(_ prepared: Preparation) throws(LaunchError) {
    for mount in prepared.machineMounts {
      try attempt("mount \(mount.path) of the machine") { try attach(mount) }
    }
    try mountProc()
    try mountSys(prepared)
    try mountDev(prepared)
    for entry in prepared.mounts {
      try attempt("mount \(entry.specification.target)") { try mount(entry, prepared.ownFiles) }
    }
    for sysctl in container.sysctls {
      try attempt("set sysctl \(sysctl.key)") { try set(sysctl) }
    }
    if !container.isPrivileged {
      try attempt("mask paths") { try maskPaths() }
      try attempt("make paths read-only") { try protectPaths() }
    }
  }

  var descriptor: FileDescriptor { root.descriptor }

  private func attach(_ mount: MachineMount) throws(SystemCallError) {
    // A place that is gone by now, or that the container's last run has removed, is not made again.
    let flags = O_PATH | O_NOFOLLOW
    guard let place = try Files.openIfPresent(mount.path, below: descriptor, [.inRoot, .noSymlinks], flags) else {
      return
    }
    try mount.mount.attach(at: place.borrowed)
  }

  private func mountProc() throws(LaunchError) {
    try attempt("mount /proc") {
      let mount = try DetachedMount(
        type: "proc", source: "proc", attributes: [.noSetUserID, .noDevices, .noExecution])
      let target = try root.systemDirectory("proc")
      try mount.attach(at: target.borrowed)
    }
  }

  static func sysAttributes(of container: ContainerSpecification) -> MountAttributes {
    let attributes: MountAttributes = [.noSetUserID, .noDevices, .noExecution]
    return container.isPrivileged ? attributes : attributes.union(.readOnly)
  }

  private func mountSys(_ prepared: Preparation) throws(LaunchError) {
    let readOnly = Self.sysAttributes(of: container)
    try attempt("mount /sys") {
      let target = try root.systemDirectory("sys")
      if let copy = prepared.hostSys {
        try copy.attach(at: target.borrowed)
      } else {
        try DetachedMount(type: "sysfs", source: "sysfs", attributes: readOnly).attach(at: target.borrowed)
      }
    }
    try attempt("mount /sys/fs/cgroup") { try mountCgroups(attributes: readOnly) }
  }

  /// The container's own cgroups, as the cgroup namespace shows them: read-only, at the usual place.
  private func mountCgroups(attributes: MountAttributes) throws(SystemCallError) {
    let flags = O_PATH | O_DIRECTORY
    guard let target = try Files.openIfPresent("/sys/fs/cgroup", below: descriptor, [.inRoot, .noMagicLinks], flags)
    else { return }
    guard !CgroupMounts.hosts.isEmpty else {
      let mount = try DetachedMount(type: "cgroup2", source: "cgroup", attributes: attributes)
      return try mount.attach(at: target.borrowed)
    }
    let directory = try DetachedMount(
      type: "tmpfs", source: "tmpfs", options: [("mode", "0755"), ("size", "64k")],
      attributes: attributes.subtracting(.readOnly))
    try directory.attach(at: target.borrowed)
    for host in CgroupMounts.hosts {
      try Files.makeDirectory(host.name, in: directory.descriptor, mode: 0o755)
      let mount = try DetachedMount(
        type: "cgroup", source: "cgroup", options: host.controllers.map { ($0, "") }, attributes: attributes)
      let place = try Files.open(host.name, in: directory.descriptor, O_PATH | O_DIRECTORY | O_NOFOLLOW)
      try mount.attach(at: place.borrowed)
    }
    if attributes.contains(.readOnly) { try directory.set(.readOnly) }
  }

  private func mountDev(_ prepared: Preparation) throws(LaunchError) {
    try attempt("mount /dev") {
      let target = try root.systemDirectory("dev")
      try prepared.devices.attach(at: target.borrowed)
      let pts = try root.mountPoint("/dev/pts", .directory)
      try prepared.terminals.attach(at: pts.borrowed)
      let queues = try DetachedMount(
        type: "mqueue", source: "mqueue", attributes: [.noSetUserID, .noDevices, .noExecution])
      let queueDirectory = try root.mountPoint("/dev/mqueue", .directory)
      try queues.attach(at: queueDirectory.borrowed)
      if let memory = prepared.sharedMemory {
        let directory = try root.mountPoint("/dev/shm", .directory)
        try memory.attach(at: directory.borrowed)
      }
    }
  }

  private func mount(_ entry: Preparation.Entry, _ ownFiles: OwnFiles) throws {
    let target = entry.specification.target
    let place: OwnedDescriptor
    switch entry.content {
    case .ownFile: place = try root.ownFile(target)
    case .grantedFile: place = try root.mountPoint(target, .file)
    case .mount(_, let isDirectory): place = try root.mountPoint(target, isDirectory ? .directory : .file)
    }
    if try Self.isProcFile(place.borrowed) {
      throw LaunchError("mount \(target)", "nothing can be mounted at or below /proc")
    }
    switch entry.content {
    case .ownFile(let name): try ownFiles.mount(name).attach(at: place.borrowed)
    case .grantedFile(let name):
      let mount = try ownFiles.mount(name)
      try mount.set(.readOnly)
      try mount.attach(at: place.borrowed)
    case .mount(let mount, _): try mount.attach(at: place.borrowed)
    }
  }

  /// Whether a descriptor is on procfs. Something mounted over a file there could take the engine's own writes.
  private static func isProcFile(_ descriptor: FileDescriptor) throws(SystemCallError) -> Bool {
    try checked("fstatfs", stk_fstatfs_type(descriptor.rawValue)) == 0x9fa0
  }

  /// Writes below this container's /proc/sys: never through a link, never onto another file system.
  private func set(_ sysctl: SysctlSpecification) throws(SystemCallError) {
    let path = sysctl.key.split(separator: ".").joined(separator: "/")
    let proc = try Files.open("proc/sys", below: descriptor, [.inRoot, .noSymlinks], O_PATH | O_DIRECTORY)
    let file = try Files.open(
      path, below: proc.borrowed, [.beneath, .noSymlinks, .noMagicLinks, .noCrossingMounts], O_WRONLY)
    try Files.writeAll(file.borrowed, sysctl.value.utf8, object: sysctl.key)
  }

  private func maskPaths() throws(SystemCallError) {
    let null = try Files.open("dev/null", below: descriptor, [.inRoot, .noSymlinks], O_PATH)
    guard try Files.status(null.borrowed).st_mode & S_IFMT == S_IFCHR else {
      throw SystemCallError("open", on: "/dev/null", .noDevice)
    }
    for path in Self.maskedPaths + Self.thermalThrottlePaths {
      guard let target = try find(path) else { continue }
      if try Files.status(target.borrowed).st_mode & S_IFMT == S_IFDIR {
        let empty = try DetachedMount(
          type: "tmpfs", source: "tmpfs", options: [("size", "4k"), ("nr_inodes", "1")],
          attributes: [.readOnly, .noSetUserID, .noDevices, .noExecution])
        try empty.attach(at: target.borrowed)
      } else {
        try DetachedMount(cloning: "", in: null.borrowed).attach(at: target.borrowed)
      }
    }
  }

  /// What is at a path of the kernel's file systems, reached without a link; nil when this kernel does not have it.
  private func find(_ path: String) throws(SystemCallError) -> OwnedDescriptor? {
    try Files.openIfPresent(path, below: descriptor, [.inRoot, .noMagicLinks, .noSymlinks], O_PATH)
  }

  /// Temperature counters of each processor: a side channel (moby GHSA-6fw5).
  static let thermalThrottlePaths: [String] = {
    // Best effort: without the directory there is nothing to mask.
    let names = (try? Files.names(in: "/sys/devices/system/cpu")) ?? []
    return names.filter { $0.hasPrefix("cpu") && $0.dropFirst(3).allSatisfy(\.isNumber) }
      .map { "/sys/devices/system/cpu/\($0)/thermal_throttle" }
  }()

  private func protectPaths() throws(SystemCallError) {
    for path in Self.readOnlyPaths {
      guard let target = try find(path) else { continue }
      let copy = try DetachedMount(cloning: "", in: target.borrowed, recursive: true)
      try copy.set([.readOnly, .noSetUserID, .noDevices, .noExecution])
      try copy.attach(at: target.borrowed)
    }
  }
}

/// The cgroup v1 hierarchies that containers see; none on a machine with cgroup v2 alone.
enum CgroupMounts {
  struct Host: Sendable {
    let name: String
    let controllers: [String]
  }

  /// Only the controllers that programs read their limits from.
  private static let wanted: Set<String> = ["cpu", "cpuacct", "cpuset", "memory", "pids"]

  static let hosts: [Host] = {
    // Best effort: a machine without the file has no cgroups to show.
    let text = (try? Files.text("/proc/self/cgroup")) ?? ""
    return text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, case let controllers = fields[1].split(separator: ",").map(String.init),
        controllers.contains(where: wanted.contains)
      else { return nil }
      return Host(name: String(fields[1]), controllers: controllers)
    }
  }()
}
