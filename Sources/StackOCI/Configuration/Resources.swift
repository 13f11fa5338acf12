import IsolationEngine
import LinuxCgroup

extension OCIResources {
  /// Reads `linux.resources`, or the document that `update --resources` is given.
  init(_ field: Field) {
    for item in field["devices"]?.list ?? [] { readDevice(item) }
    if let memory = field["memory"], memory.isObject { readMemory(memory) }
    if let cpu = field["cpu"], cpu.isObject { readProcessor(cpu) }
    if let pids = field["pids"], pids.isObject, let limit = pids["limit"]?.integer(Int64.self) { setProcesses(limit) }
    if let block = field["blockIO"], block.isObject { readBlock(block) }
    for item in field["hugepageLimits"]?.list ?? [] {
      // runc reads names in any case of their letters, and this one is written in both.
      guard let size = (item["pageSize"] ?? item["pagesize"])?.string, let limit = item["limit"]?.integer(UInt64.self)
      else { continue }
      let digits = size.dropLast(2)
      let isSize = ["KB", "MB", "GB"].contains(size.suffix(2)) && UInt64(digits) ?? 0 > 0 && digits.first != "+"
      guard isSize, digits.first != "0" else {
        item.report("pageSize \"\(size)\" is not a size such as 2MB")
        continue
      }
      // What is reserved and what is used are two limits since Linux 5.7.
      for (kind, isOptional) in [("", false), (".rsvd", true)] {
        legacy(.hugetlb, "hugetlb.\(size)\(kind).limit_in_bytes", "\(limit)", isOptional: isOptional)
        unified(.hugetlb, "hugetlb.\(size)\(kind).max", "\(limit)", isOptional: isOptional)
      }
    }
    if let network = field["network"], network.isObject { readNetwork(network) }
    for (name, item) in field["rdma"]?.members ?? [] {
      let handles = item["hcaHandles"]?.integer(UInt32.self).map { " hca_handle=\($0)" } ?? ""
      let objects = item["hcaObjects"]?.integer(UInt32.self).map { " hca_object=\($0)" } ?? ""
      both(.rdma, "rdma.max", name + handles + objects)
    }
    for (name, item) in field["unified"]?.members ?? [] { readUnified(name, item) }
  }

  mutating func legacy(_ controller: CgroupController, _ file: String, _ value: String, isOptional: Bool = false) {
    settings.legacy.append(.init(controller, file, value, isOptional: isOptional))
  }

  mutating func unified(_ controller: CgroupController, _ file: String, _ value: String, isOptional: Bool = false) {
    settings.unified.append(.init(controller, file, value, isOptional: isOptional))
  }

  mutating func both(_ controller: CgroupController, _ file: String, _ value: String) {
    legacy(controller, file, value)
    unified(controller, file, value)
  }

  private mutating func readDevice(_ item: Field) {
    guard item.isObject, let isAllowed = item["allow"]?.bool else {
      item.report("allow is missing")
      return
    }
    let kind: DeviceRules.Kind?
    switch item["type"]?.string ?? "a" {
    case "a", "": kind = nil
    case "c", "u": kind = .character
    case "b": kind = .block
    case let other:
      item.report("unknown type \"\(other)\"")
      return
    }
    func number(_ name: String) -> UInt32? {
      guard let value = item[name]?.integer(Int64.self), value >= 0 else { return nil }
      return UInt32(clamping: value)
    }
    let letters = item["access"]?.string ?? "rwm"
    // As for types, `a` is all.
    guard let access = DeviceRules.Access(letters.isEmpty || letters.contains("a") ? "rwm" : letters) else {
      item.report("access is not some of rwm")
      return
    }
    devices.append(DeviceDecision(isAllowed: isAllowed, kind, number("major"), number("minor"), access))
  }

  private mutating func readMemory(_ memory: Field) {
    let limit = memory["limit"]?.integer(Int64.self)
    let swap = memory["swap"]?.integer(Int64.self)
    setMemory(limit: limit, swap: swap)
    if let limit, let swap, swap >= 0, limit > swap { memory.report("swap is below limit: it is their sum") }
    if let reservation = memory["reservation"]?.integer(Int64.self) { setReservation(reservation) }
    if let limit = memory["kernelTCP"]?.integer(Int64.self) {
      legacy(.memory, "memory.kmem.tcp.limit_in_bytes", "\(limit)", isOptional: true)
    }
    if let swappiness = memory["swappiness"]?.integer(UInt64.self) {
      legacy(.memory, "memory.swappiness", "\(swappiness)")
    }
    if memory["disableOOMKiller"]?.bool == true { legacy(.memory, "memory.oom_control", "1") }
  }

  mutating func setMemory(limit: Int64?, swap: Int64?) {
    if let limit, limit != 0 {
      legacy(.memory, "memory.limit_in_bytes", "\(limit)")
      unified(.memory, "memory.max", limit < 0 ? "max" : "\(limit)")
    }
    // Without a limit of the memory there is none of the sum either.
    if limit ?? 0 < 0 && swap ?? 0 == 0 {
      legacy(.memory, "memory.memsw.limit_in_bytes", "-1", isOptional: true)
    }
    if let swap, swap != 0 {
      // Version 1 limits the sum, version 2 the swap alone.
      legacy(.memory, "memory.memsw.limit_in_bytes", "\(swap)")
      let alone = swap < 0 ? "max" : "\(swap - min(swap, max(0, limit ?? 0)))"
      unified(.memory, "memory.swap.max", alone, isOptional: true)
    }
  }

  /// A negative number is no limit; none at all would not even let the container start.
  mutating func setProcesses(_ limit: Int64) {
    both(.pids, "pids.max", limit < 0 ? "max" : "\(max(1, limit))")
  }

  mutating func setReservation(_ bytes: Int64) {
    legacy(.memory, "memory.soft_limit_in_bytes", "\(bytes)")
    unified(.memory, "memory.low", bytes < 0 ? "max" : "\(bytes)")
  }

  private mutating func readProcessor(_ cpu: Field) {
    if let shares = cpu["shares"]?.integer(UInt64.self) { setShares(shares) }
    setQuota(cpu["quota"]?.integer(Int64.self), period: cpu["period"]?.integer(UInt64.self))
    if let burst = cpu["burst"]?.integer(UInt64.self) {
      legacy(.cpu, "cpu.cfs_burst_us", "\(burst)")
      unified(.cpu, "cpu.max.burst", "\(burst)")
    }
    if let period = cpu["realtimePeriod"]?.integer(UInt64.self), period != 0 {
      legacy(.cpu, "cpu.rt_period_us", "\(period)")
    }
    if let runtime = cpu["realtimeRuntime"]?.integer(Int64.self), runtime != 0 {
      legacy(.cpu, "cpu.rt_runtime_us", "\(runtime)")
    }
    if let idle = cpu["idle"]?.integer(Int64.self) { both(.cpu, "cpu.idle", "\(idle)") }
    if let cpus = cpu["cpus"]?.string, !cpus.isEmpty { both(.cpuset, "cpuset.cpus", cpus) }
    if let nodes = cpu["mems"]?.string, !nodes.isEmpty { both(.cpuset, "cpuset.mems", nodes) }
  }

  mutating func setShares(_ shares: UInt64) {
    guard shares > 0 else { return }
    legacy(.cpu, "cpu.shares", "\(shares)")
    unified(.cpu, "cpu.weight", "\(CgroupLimits.weight(shares: shares))")
  }

  mutating func setQuota(_ quota: Int64?, period: UInt64?) {
    if let period, period != 0 { legacy(.cpu, "cpu.cfs_period_us", "\(period)") }
    if let quota, quota != 0 { legacy(.cpu, "cpu.cfs_quota_us", "\(quota)") }
    if quota ?? 0 != 0 || period ?? 0 != 0 {
      let value = quota.map { $0 > 0 ? "\($0)" : "max" } ?? "max"
      unified(.cpu, "cpu.max", period.map { $0 == 0 ? value : "\(value) \($0)" } ?? value)
    }
  }

  private mutating func readBlock(_ block: Field) {
    if let weight = block["weight"]?.integer(UInt16.self), weight != 0 { setBlockWeight(weight) }
    if let weight = block["leafWeight"]?.integer(UInt16.self), weight != 0 {
      legacy(.blkio, "blkio.leaf_weight", "\(weight)")
    }
    for item in block["weightDevice"]?.list ?? [] {
      guard let device = device(item) else { continue }
      if let weight = item["weight"]?.integer(UInt16.self), weight != 0 {
        settings.legacy.append(
          .init(.blkio, "blkio.weight_device", or: "blkio.bfq.weight_device", "\(device) \(weight)"))
        unified(.io, "io.bfq.weight", "\(device) \(weight)")
      }
      if let weight = item["leafWeight"]?.integer(UInt16.self), weight != 0 {
        legacy(.blkio, "blkio.leaf_weight_device", "\(device) \(weight)")
      }
    }
    let throttles = [
      ("throttleReadBpsDevice", "read_bps", "rbps"), ("throttleWriteBpsDevice", "write_bps", "wbps"),
      ("throttleReadIOPSDevice", "read_iops", "riops"), ("throttleWriteIOPSDevice", "write_iops", "wiops"),
    ]
    for (name, old, new) in throttles {
      for item in block[name]?.list ?? [] {
        guard let device = device(item), let rate = item["rate"]?.integer(UInt64.self) else { continue }
        legacy(.blkio, "blkio.throttle.\(old)_device", "\(device) \(rate)")
        unified(.io, "io.max", "\(device) \(new)=\(rate == 0 ? "max" : "\(rate)")")
      }
    }
  }

  mutating func setBlockWeight(_ weight: UInt16) {
    settings.legacy.append(.init(.blkio, "blkio.weight", or: "blkio.bfq.weight", "\(weight)"))
    // The scheduler's own scale is version 1's; the file of the controller has another.
    unified(.io, "io.bfq.weight", "\(weight)", isOptional: true)
    let value = 1 + (UInt64(max(10, weight)) - 10) * 9999 / 990
    unified(.io, "io.weight", "\(min(value, 10_000))", isOptional: true)
  }

  private func device(_ item: Field) -> String? {
    guard let major = item["major"]?.integer(UInt32.self), let minor = item["minor"]?.integer(UInt32.self) else {
      item.report("major and minor are needed")
      return nil
    }
    return "\(major):\(minor)"
  }

  private mutating func readNetwork(_ network: Field) {
    if let id = network["classID"]?.integer(UInt32.self) { legacy(.netCls, "net_cls.classid", "\(id)") }
    for item in network["priorities"]?.list ?? [] {
      guard let name = item["name"]?.string, let priority = item["priority"]?.integer(UInt32.self) else { continue }
      legacy(.netPrio, "net_prio.ifpriomap", "\(name) \(priority)")
    }
  }

  private mutating func readUnified(_ name: String, _ item: Field) {
    guard let value = item.string else { return }
    let isFile = name.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "/") } && !name.hasPrefix(".")
    guard isFile, let dot = name.firstIndex(of: "."), case let prefix = name[..<dot] else {
      item.report("is not a file of a cgroup")
      return
    }
    guard let controller = CgroupController(rawValue: String(prefix)) else {
      if prefix == "cgroup" {
        item.report("is not a limit")
      } else {
        item.report("unknown controller \"\(prefix)\"")
      }
      return
    }
    unified(controller, name, value)
    unifiedOnly = true
  }
}
