import Glibc
import LinuxSystem

/// Limits of a cgroup; nil leaves what is there.
package struct CgroupLimits: Hashable, Sendable {
  /// Bytes of memory.
  package var memory: UInt64?
  /// Bytes of memory and swap together; -1 is no limit. nil with a memory limit is twice that limit, as under docker.
  package var memoryAndSwap: Int64?
  /// Bytes that are left to the group when memory runs short.
  package var memoryReservation: UInt64?
  /// How readily the group is swapped out, 0 to 100; version 1 only.
  package var swappiness: UInt64?
  /// Whether processes wait, instead of being killed, when the limit of the memory is reached; version 1 only.
  package var disablesOOMKill = false
  /// Microseconds of processor time in each period.
  package var cpuQuota: UInt64?
  /// Microseconds; nil is the kernel's own default.
  package var cpuPeriod: UInt64?
  /// Relative weight in cgroup v1's terms, 2 to 262144; 1024 is the usual one, 0 leaves what is there.
  package var cpuShares: UInt64?
  /// Processors, as a list such as `0-2,4`.
  package var cpuset: String?
  /// Processes and threads; -1, and 0 as under docker, is no limit.
  package var pids: Int64?
  /// The share of a disk's time in the terms of version 1 and of BFQ, 10 to 1000.
  package var blockWeight: UInt64?
  package var blockDevices: [BlockDeviceLimit] = []

  /// Microseconds.
  package static let defaultPeriod: UInt64 = 100_000

  package init() {}

  /// The quota that gives `cpus` processors' worth of time; nil when that is less than the kernel's least, 0.01.
  package static func quota(cpus: Double) -> UInt64? {
    let quota = (cpus * Double(defaultPeriod)).rounded()
    return quota >= 1000 && quota < 1e15 ? UInt64(quota) : nil
  }

  /// The weight of cgroup v2 (1 to 10000) for the shares of version 1 (2 to 262144).
  ///
  /// The three points that both sides define map to each other: 2 to 1, 1024 to 100, 262144 to 10000; between them the curve
  /// that current OCI runtimes use, a parabola through these points in logarithms. The straight line that older runtimes used
  /// maps the usual 1024 to 39, so that a container with the usual share lost against every group that nobody had touched.
  package static func weight(shares: UInt64) -> UInt64 {
    if shares <= 2 { return 1 }
    if shares >= 262_144 { return 10_000 }
    let logarithm = log2(Double(shares))
    let exponent = (logarithm * logarithm + 125 * logarithm) / 612 - 7.0 / 34
    return UInt64(pow(10, exponent).rounded(.up))
  }
}

/// One of the limits, for messages.
package enum CgroupLimit: String, Hashable, Sendable, CustomStringConvertible {
  case memory = "memory limit"
  case swap = "swap limit"
  case reservation = "memory reservation"
  case swappiness
  case oomKill = "disabled out-of-memory kill"
  case cpuQuota = "cpu quota"
  case cpuShares = "cpu shares"
  case cpuset
  case pids = "pids limit"
  case blockWeight = "weight of block devices"
  case blockRate = "limit of a block device"
  case devices = "device rules"

  package var description: String { rawValue }
}

/// A limit that was asked for and does not hold, because the machine does not have what it needs.
package struct UnappliedLimit: Hashable, Sendable, CustomStringConvertible {
  package enum Reason: Hashable, Sendable {
    /// Neither version of cgroups has the controller here.
    case noController(CgroupController)
    /// The kernel counts no swap (CONFIG_SWAP, or swapaccount=0).
    case noSwapAccounting
    /// Version 2 has nothing like it.
    case notInVersion2
    /// The kernel was built without it, or the device has another scheduler.
    case notInKernel
  }

  package let limit: CgroupLimit
  package let reason: Reason

  package var description: String {
    switch reason {
    case .noController(let controller): "\(limit) not applied: no cgroup controller \(controller.rawValue)"
    case .noSwapAccounting: "\(limit) not applied: the kernel does not account swap"
    case .notInVersion2: "\(limit) not applied: cgroup v2 has no such setting"
    case .notInKernel: "\(limit) not applied: the kernel has no such setting"
    }
  }
}

/// A value for a file of a controller.
struct CgroupWrite: Hashable, Sendable {
  let limit: CgroupLimit
  let controller: CgroupController
  let file: String
  let value: String
  /// What other kernels call the file.
  var otherFile: String?
  /// Missing files are no error: the kernel was built, or booted, without the feature.
  var isOptional = false
  /// The user asked for it: not to apply it is worth a warning.
  var isAsked = true
}

/// What limits come to on a machine: values to write, and what cannot be had.
struct CgroupSettings: Hashable, Sendable {
  private(set) var writes: [CgroupWrite] = []
  private(set) var unapplied: [UnappliedLimit] = []

  init(_ limits: CgroupLimits, on hierarchy: CgroupHierarchy) throws(CgroupError) {
    addMemory(limits, hierarchy)
    try addProcessor(limits, hierarchy)
    if let cpuset = limits.cpuset {
      let isList = !cpuset.isEmpty && cpuset.utf8.allSatisfy { Array("0123456789,-".utf8).contains($0) }
      guard isList else { throw .invalidLimit(.cpuset, "\"\(cpuset)\"") }
      add(.cpuset, .cpuset, hierarchy, legacy: ("cpuset.cpus", cpuset), unified: ("cpuset.cpus", cpuset))
    }
    if let pids = limits.pids {
      guard pids >= -1 else { throw .invalidLimit(.pids, "\(pids)") }
      let value = pids > 0 ? "\(pids)" : "max"
      add(.pids, .pids, hierarchy, legacy: ("pids.max", value), unified: ("pids.max", value))
    }
    addBlocks(limits, hierarchy)
  }

  private mutating func addBlocks(_ limits: CgroupLimits, _ hierarchy: CgroupHierarchy) {
    // One controller with two names.
    let isLegacy = hierarchy.legacy[.blkio] != nil
    let controller: CgroupController = isLegacy ? .blkio : .io
    var all = limits.blockDevices.map { ($0.limit, $0.write(isLegacy: isLegacy)) }
    if let weight = limits.blockWeight {
      let file = isLegacy ? ("blkio.weight", "blkio.bfq.weight") : ("io.bfq.weight", nil)
      all.insert((.blockWeight, BlockDeviceLimit.Write(file: file.0, otherFile: file.1, value: "\(weight)")), at: 0)
    }
    for (limit, write) in all {
      if case .absent = hierarchy.location(of: controller) {
        unapplied.append(UnappliedLimit(limit: limit, reason: .noController(controller)))
        continue
      }
      writes.append(
        CgroupWrite(
          limit: limit, controller: controller, file: write.file, value: write.value, otherFile: write.otherFile,
          isOptional: limit == .blockWeight))
    }
  }

  private mutating func addMemory(_ limits: CgroupLimits, _ hierarchy: CgroupHierarchy) {
    if let memory = limits.memory {
      add(
        .memory, .memory, hierarchy, legacy: ("memory.limit_in_bytes", "\(memory)"),
        unified: ("memory.max", "\(memory)"))
    }
    if let reservation = limits.memoryReservation {
      add(
        .reservation, .memory, hierarchy, legacy: ("memory.soft_limit_in_bytes", "\(reservation)"),
        unified: ("memory.low", "\(reservation)"))
    }
    if let swappiness = limits.swappiness {
      addLegacy(.swappiness, .memory, hierarchy, "memory.swappiness", "\(swappiness)")
    }
    if limits.disablesOOMKill { addLegacy(.oomKill, .memory, hierarchy, "memory.oom_control", "1") }
    let asked = limits.memoryAndSwap
    let doubled = limits.memory.flatMap { Int64(exactly: $0) }.map { $0.multipliedReportingOverflow(by: 2) }
    guard let total = asked ?? doubled.map({ $0.overflow ? -1 : $0.partialValue }) else { return }
    // Version 1 limits the sum, version 2 the swap alone.
    let swap = total < 0 ? "max" : "\(UInt64(total) - min(UInt64(total), limits.memory ?? 0))"
    add(
      .swap, .memory, hierarchy, legacy: ("memory.memsw.limit_in_bytes", "\(max(total, -1))"),
      unified: ("memory.swap.max", swap), isOptional: true, isAsked: asked != nil)
  }

  private mutating func addProcessor(_ limits: CgroupLimits, _ hierarchy: CgroupHierarchy) throws(CgroupError) {
    let period = limits.cpuPeriod ?? CgroupLimits.defaultPeriod
    if limits.cpuQuota != nil || limits.cpuPeriod != nil, case .legacy = hierarchy.location(of: .cpu) {
      writes.append(CgroupWrite(limit: .cpuQuota, controller: .cpu, file: "cpu.cfs_period_us", value: "\(period)"))
    }
    if let quota = limits.cpuQuota {
      guard quota >= 1000 else {
        throw .invalidLimit(.cpuQuota, "\(quota) µs in \(period / 1000) ms: the least is 1000")
      }
      add(
        .cpuQuota, .cpu, hierarchy, legacy: ("cpu.cfs_quota_us", "\(quota)"), unified: ("cpu.max", "\(quota) \(period)")
      )
    }
    if let shares = limits.cpuShares, shares > 0 {
      let weight = CgroupLimits.weight(shares: shares)
      add(.cpuShares, .cpu, hierarchy, legacy: ("cpu.shares", "\(shares)"), unified: ("cpu.weight", "\(weight)"))
    }
  }

  private mutating func addLegacy(
    _ limit: CgroupLimit, _ controller: CgroupController, _ hierarchy: CgroupHierarchy, _ file: String, _ value: String
  ) {
    if case .unified = hierarchy.location(of: controller) {
      unapplied.append(UnappliedLimit(limit: limit, reason: .notInVersion2))
    } else {
      add(limit, controller, hierarchy, legacy: (file, value), unified: (file, value))
    }
  }

  private mutating func add(
    _ limit: CgroupLimit, _ controller: CgroupController, _ hierarchy: CgroupHierarchy, legacy: (String, String),
    unified: (String, String), isOptional: Bool = false, isAsked: Bool = true
  ) {
    let (file, value): (String, String)
    switch hierarchy.location(of: controller) {
    case .legacy: (file, value) = legacy
    case .unified: (file, value) = unified
    case .absent:
      if isAsked { unapplied.append(UnappliedLimit(limit: limit, reason: .noController(controller))) }
      return
    }
    writes.append(
      CgroupWrite(
        limit: limit, controller: controller, file: file, value: value, isOptional: isOptional, isAsked: isAsked))
  }
}

extension CgroupLimits: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init()
    memory = try reader.value()
    memoryAndSwap = try reader.value(Int?.self).map(Int64.init)
    memoryReservation = try reader.value()
    swappiness = try reader.value()
    disablesOOMKill = try reader.value()
    cpuQuota = try reader.value()
    cpuPeriod = try reader.value()
    cpuShares = try reader.value()
    cpuset = try reader.value()
    pids = try reader.value(Int?.self).map(Int64.init)
    blockWeight = try reader.value()
    blockDevices = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(memory)
    writer.value(memoryAndSwap.map(Int.init))
    writer.value(memoryReservation)
    writer.value(swappiness)
    writer.value(disablesOOMKill)
    writer.value(cpuQuota)
    writer.value(cpuPeriod)
    writer.value(cpuShares)
    writer.value(cpuset)
    writer.value(pids.map(Int.init))
    writer.value(blockWeight)
    writer.value(blockDevices)
  }
}
