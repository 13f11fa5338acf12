/// Limits of a cgroup; nil is no limit.
package struct CgroupLimits: Hashable, Sendable {
  /// Bytes.
  package var memory: UInt64?
  /// Bytes of memory and swap together; -1 is no limit.
  package var memoryAndSwap: Int64?
  /// Processors' worth of time.
  package var cpus: Double?
  /// Relative weight as cpu.shares of cgroup v1: 2 to 262144.
  package var cpuShares: UInt64?
  /// A list such as `0-2,4`.
  package var cpuset: String?
  /// -1 is no limit.
  package var pids: Int64?

  package init() {}

  /// One file to write.
  package struct Setting: Hashable, Sendable {
    package let controller: String
    package let file: String
    package let value: String
  }

  /// The period in which a share of processor time is counted, microseconds: the kernel's default.
  static let cpuPeriod = 100_000

  /// The files of cgroup v1, in the order in which the kernel accepts them.
  package var v1Settings: [Setting] {
    var settings: [Setting] = []
    if let memory {
      settings.append(Setting(controller: "memory", file: "memory.limit_in_bytes", value: "\(memory)"))
      // Swap follows the rule of Docker: as much again as the memory, unless it is said.
      let both = memoryAndSwap ?? Int64(clamping: memory &* 2)
      settings.append(Setting(controller: "memory", file: "memory.memsw.limit_in_bytes", value: "\(both)"))
    }
    if let cpuShares { settings.append(Setting(controller: "cpu", file: "cpu.shares", value: "\(cpuShares)")) }
    if let cpus {
      settings.append(Setting(controller: "cpu", file: "cpu.cfs_period_us", value: "\(Self.cpuPeriod)"))
      settings.append(
        Setting(controller: "cpu", file: "cpu.cfs_quota_us", value: "\(Int(cpus * Double(Self.cpuPeriod)))"))
    }
    if let cpuset { settings.append(Setting(controller: "cpuset", file: "cpuset.cpus", value: cpuset)) }
    if let pids { settings.append(Setting(controller: "pids", file: "pids.max", value: Self.maximum(pids))) }
    return settings
  }

  /// The files of cgroup v2 (kernel documentation, admin-guide/cgroup-v2).
  package var v2Settings: [Setting] {
    var settings: [Setting] = []
    if let memory {
      settings.append(Setting(controller: "memory", file: "memory.max", value: "\(memory)"))
      let swap = memoryAndSwap.map { $0 < 0 ? "max" : "\(max(0, $0 - Int64(clamping: memory)))" } ?? "\(memory)"
      settings.append(Setting(controller: "memory", file: "memory.swap.max", value: swap))
      // The kernel kills the service as a whole: half of one is worse than none.
      settings.append(Setting(controller: "memory", file: "memory.oom.group", value: "1"))
    }
    if let cpuShares {
      settings.append(Setting(controller: "cpu", file: "cpu.weight", value: "\(Self.weight(shares: cpuShares))"))
    }
    if let cpus {
      let quota = Int(cpus * Double(Self.cpuPeriod))
      settings.append(Setting(controller: "cpu", file: "cpu.max", value: "\(quota) \(Self.cpuPeriod)"))
    }
    if let cpuset { settings.append(Setting(controller: "cpuset", file: "cpuset.cpus", value: cpuset)) }
    if let pids { settings.append(Setting(controller: "pids", file: "pids.max", value: Self.maximum(pids))) }
    return settings
  }

  private static func maximum(_ value: Int64) -> String { value < 0 ? "max" : "\(value)" }

  /// The range of shares, 2 to 262144, onto that of weights, 1 to 10000, as OCI runtimes do it.
  package static func weight(shares: UInt64) -> UInt64 {
    let clamped = min(max(shares, 2), 262_144)
    return 1 + (clamped - 2) * 9999 / 262_142
  }
}
