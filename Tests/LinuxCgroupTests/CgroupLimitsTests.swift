import LinuxSystem
import SystemPackage
import Testing

@testable import LinuxCgroup

@Suite struct CgroupLimitsTests {
  @Test(
    arguments: [
      (0, 1), (1, 1), (2, 1), (3, 2), (512, 59), (1024, 100), (2048, 174), (4096, 303), (262_143, 10_000),
      (262_144, 10_000),
      (UInt64.max, 10_000),
    ] as [(UInt64, UInt64)])
  func weights(shares: UInt64, weight: UInt64) {
    #expect(CgroupLimits.weight(shares: shares) == weight)
  }

  @Test func weightsRise() {
    let weights = stride(from: UInt64(2), through: 262_144, by: 7).map(CgroupLimits.weight(shares:))
    #expect(zip(weights, weights.dropFirst()).allSatisfy { $0 <= $1 })
  }

  @Test(
    arguments: [
      (0.5, 50_000), (1, 100_000), (2.25, 225_000), (0.01, 1000), (0.009, nil), (0, nil), (-1, nil), (.infinity, nil),
      (.nan, nil),
    ] as [(Double, UInt64?)])
  func quotas(cpus: Double, quota: UInt64?) {
    #expect(CgroupLimits.quota(cpus: cpus) == quota)
  }

  static var limits: CgroupLimits {
    var limits = CgroupLimits()
    limits.memory = 64 << 20
    limits.memoryAndSwap = 96 << 20
    limits.cpuQuota = 50_000
    limits.cpuShares = 2048
    limits.memoryReservation = 32 << 20
    limits.cpuset = "0"
    limits.pids = 100
    return limits
  }

  static var blocks: CgroupLimits {
    var limits = CgroupLimits()
    limits.blockWeight = 300
    limits.blockDevices = [
      BlockDeviceLimit(.readBytes, 8, 0, 1 << 20), BlockDeviceLimit(.writeOperations, 8, 16, 100),
      BlockDeviceLimit(.weight, 8, 0, 500),
    ]
    return limits
  }

  @Test func blockDevicesOfBothVersions() throws {
    func writes(_ hierarchy: CgroupHierarchy) throws -> [String] {
      try CgroupSettings(Self.blocks, on: hierarchy).writes.map {
        "\($0.file)\($0.otherFile.map { "|\($0)" } ?? "")=\($0.value)"
      }
    }
    #expect(
      try writes(CgroupHierarchy(legacy: [.blkio: "/b"], unified: nil, unifiedControllers: [])) == [
        "blkio.weight|blkio.bfq.weight=300", "blkio.throttle.read_bps_device=8:0 1048576",
        "blkio.throttle.write_iops_device=8:16 100", "blkio.weight_device|blkio.bfq.weight_device=8:0 500",
      ])
    #expect(
      try writes(CgroupHierarchy(legacy: [:], unified: "/u", unifiedControllers: [.io])) == [
        "io.bfq.weight=300", "io.max=8:0 rbps=1048576", "io.max=8:16 wiops=100", "io.bfq.weight=8:0 500",
      ])
    let none = try CgroupSettings(Self.blocks, on: CgroupHierarchy(legacy: [:], unified: "/u", unifiedControllers: []))
    #expect(none.writes.isEmpty && none.unapplied.count == 4)
    #expect(none.unapplied.first?.description == "weight of block devices not applied: no cgroup controller io")
  }

  /// Kernels without a scheduler that knows weights have no file for them, and others call it otherwise.
  @Test func aWeightThatTheKernelDoesNotKnowIsLeftOut() throws {
    try FakeHierarchy.with { fake in
      let mounts = ["35 31 0:32 / ROOT/blkio rw,relatime - cgroup cgroup rw,blkio"]
      for file in ["read_bps", "write_iops"] { try fake.file("blkio/stack/p/c/blkio.throttle.\(file)_device") }
      try fake.file("blkio/stack/p/c/blkio.bfq.weight")
      let cgroup = try Cgroup(try fake.detect(mounts), project: "p", container: "c")
      let unapplied = try cgroup.update(Self.blocks)
      #expect(unapplied.map(\.description) == ["weight of block devices not applied: the kernel has no such setting"])
      #expect(try fake.text("blkio/stack/p/c/blkio.bfq.weight") == "300")
      #expect(try fake.text("blkio/stack/p/c/blkio.throttle.read_bps_device") == "8:0 1048576")
    }
  }

  @Test func wire() throws {
    #expect(try CgroupLimits(wireBytes: Self.blocks.wireBytes) == Self.blocks)
    #expect(try CgroupLimits(wireBytes: Self.limits.wireBytes) == Self.limits)
    #expect(try CgroupLimits(wireBytes: CgroupLimits().wireBytes) == CgroupLimits())
  }

  static let legacyFiles = [
    "memory/stack/p/c/memory.limit_in_bytes", "memory/stack/p/c/memory.memsw.limit_in_bytes",
    "memory/stack/p/c/memory.soft_limit_in_bytes",
    "cpu/stack/p/c/cpu.cfs_period_us", "cpu/stack/p/c/cpu.cfs_quota_us", "cpu/stack/p/c/cpu.shares",
    "cpuset/stack/p/c/cpuset.cpus", "pids/stack/p/c/pids.max",
  ]

  @Test func bytesOfVersion1() throws {
    try FakeHierarchy.with { fake in
      try fake.file("unified/cgroup.controllers", "hugetlb\n")
      try fake.file("unified/stack/p/c/cgroup.procs")
      for file in Self.legacyFiles { try fake.file(file) }
      for file in ["cpuset.cpus", "cpuset.mems"] {
        try fake.file("cpuset/\(file)", file == "cpuset.cpus" ? "0-1\n" : "0\n")
        for level in ["stack", "stack/p", "stack/p/c"] { try fake.file("cpuset/\(level)/\(file)", "") }
      }
      let cgroup = try Cgroup(try fake.detect(FakeHierarchy.hybridMounts), project: "p", container: "c")
      #expect(try cgroup.create(Self.limits) == [])
      // A plain file keeps what a shorter text does not cover: "0" over "0-1".
      #expect(
        try Self.legacyFiles.map(fake.text)
          == ["67108864", "100663296", "33554432", "100000", "50000", "2048", "0-1\n", "100"])
      #expect(try fake.text("cpuset/stack/p/cpuset.cpus") == "0-1\n")
      #expect(try fake.text("cpuset/stack/p/c/cpuset.mems") == "0\n")
      // Only what is needed is made.
      #expect(!Files.exists("\(fake.root)/devices/stack"))
    }
  }

  static let unifiedFiles = [
    "stack/p/c/memory.max", "stack/p/c/memory.swap.max", "stack/p/c/memory.low", "stack/p/c/cpu.max",
    "stack/p/c/cpu.weight",
    "stack/p/c/cpuset.cpus", "stack/p/c/pids.max",
  ]
  static let unifiedMount = ["31 23 0:28 / ROOT rw - cgroup2 cgroup2 rw"]

  @Test func bytesOfVersion2() throws {
    try FakeHierarchy.with { fake in
      try fake.file("cgroup.controllers", "cpuset cpu memory pids\n")
      try fake.file("cgroup.subtree_control", "")
      try fake.file("stack/cgroup.subtree_control", "")
      try fake.file("stack/p/cgroup.subtree_control", "")
      for file in Self.unifiedFiles { try fake.file(file) }
      let cgroup = try Cgroup(try fake.detect(Self.unifiedMount), project: "p", container: "c")
      #expect(try cgroup.create(Self.limits) == [])
      #expect(
        try Self.unifiedFiles.map(fake.text) == ["67108864", "33554432", "33554432", "50000 100000", "174", "0", "100"])
      for level in ["", "stack/", "stack/p/"] {
        #expect(try fake.text("\(level)cgroup.subtree_control") == "+cpuset")
      }
    }
  }

  @Test(
    arguments: [
      // memory, memory and swap: memory.swap.max
      (100, nil, "100"), (100, -1, "max"), (100, 100, "0"), (100, 50, "0"), (100, 300, "200"),
      (UInt64(Int64.max), nil, "max"),
    ] as [(UInt64, Int64?, String)])
  func swap(memory: UInt64, total: Int64?, value: String) throws {
    try FakeHierarchy.with { fake in
      try fake.file("cgroup.controllers", "memory\n")
      for file in ["memory.max", "memory.swap.max"] { try fake.file("stack/p/c/\(file)") }
      let cgroup = try Cgroup(try fake.detect(Self.unifiedMount), project: "p", container: "c")
      var limits = CgroupLimits()
      limits.memory = memory
      limits.memoryAndSwap = total
      #expect(try cgroup.update(limits) == [])
      #expect(try fake.text("stack/p/c/memory.swap.max") == value)
    }
  }

  @Test(arguments: [(5, "5"), (0, "max"), (-1, "max")] as [(Int64, String)])
  func pids(limit: Int64, value: String) throws {
    try FakeHierarchy.with { fake in
      try fake.file("cgroup.controllers", "pids\n")
      try fake.file("stack/p/c/pids.max")
      var limits = CgroupLimits()
      limits.pids = limit
      #expect(try Cgroup(try fake.detect(Self.unifiedMount), project: "p", container: "c").update(limits) == [])
      #expect(try fake.text("stack/p/c/pids.max") == value)
    }
  }

  @Test func whatCannotBeHadIsTold() throws {
    try FakeHierarchy.with { fake in
      let mounts = ["35 31 0:32 / ROOT/memory rw,relatime - cgroup cgroup rw,memory"]
      for file in ["limit_in_bytes", "soft_limit_in_bytes"] { try fake.file("memory/stack/p/c/memory.\(file)") }
      let cgroup = try Cgroup(try fake.detect(mounts), project: "p", container: "c")
      let unapplied = try cgroup.create(Self.limits, devices: .containerDefault)
      #expect(
        unapplied.map(\.description) == [
          "cpu quota not applied: no cgroup controller cpu", "cpu shares not applied: no cgroup controller cpu",
          "cpuset not applied: no cgroup controller cpuset", "pids limit not applied: no cgroup controller pids",
          "swap limit not applied: the kernel does not account swap",
          "device rules not applied: no cgroup controller devices",
        ])
      // Twice the memory is a default, not a wish.
      var limits = CgroupLimits()
      limits.memory = 1 << 20
      #expect(try cgroup.update(limits) == [])
    }
  }

  /// Each of these is only in one version, or has a value of its own.
  @Test func rarerLimits() throws {
    var limits = CgroupLimits()
    limits.swappiness = 10
    limits.disablesOOMKill = true
    limits.cpuPeriod = 50_000
    limits.cpuQuota = 20_000
    #expect(try CgroupLimits(wireBytes: limits.wireBytes) == limits)
    let legacy = CgroupHierarchy(legacy: [.memory: "/m", .cpu: "/c"], unified: nil, unifiedControllers: [])
    let first = try CgroupSettings(limits, on: legacy)
    #expect(
      first.writes.map { "\($0.file)=\($0.value)" } == [
        "memory.swappiness=10", "memory.oom_control=1", "cpu.cfs_period_us=50000", "cpu.cfs_quota_us=20000",
      ])
    let unified = CgroupHierarchy(legacy: [:], unified: "/u", unifiedControllers: [.memory, .cpu])
    let second = try CgroupSettings(limits, on: unified)
    #expect(second.writes.map { "\($0.file)=\($0.value)" } == ["cpu.max=20000 50000"])
    #expect(second.unapplied.map(\.reason) == [.notInVersion2, .notInVersion2])
  }

  @Test func meaninglessValues() throws {
    let hierarchy = CgroupHierarchy(legacy: [:], unified: "/none", unifiedControllers: [.cpu, .cpuset, .pids])
    let cgroup = try Cgroup(hierarchy, project: "p", container: "c")
    func refused(_ limit: CgroupLimit, _ change: (inout CgroupLimits) -> Void) {
      var limits = CgroupLimits()
      change(&limits)
      let error = #expect(throws: CgroupError.self) { try cgroup.update(limits) }
      guard case .invalidLimit(limit, _) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
    refused(.cpuset) { $0.cpuset = "0; rm" }
    refused(.cpuset) { $0.cpuset = "" }
    refused(.pids) { $0.pids = -2 }
    refused(.cpuQuota) { $0.cpuQuota = 999 }
  }
}
