import IsolationEngine
import JSONDocument
import LinuxCgroup
import LinuxSystem

extension Verb {
  private static let numbers: Set<String> = [
    "blkio-weight", "cpu-period", "cpu-quota", "cpu-share", "cpu-burst", "cpu-rt-period", "cpu-rt-runtime", "cpu-idle",
    "kernel-memory", "kernel-memory-tcp", "memory", "memory-reservation", "memory-swap", "pids-limit",
  ]

  static let update = Verb(
    usage: "CONTAINER",
    options: .init(
      valued: numbers.union(["resources", "cpuset-cpus", "cpuset-mems", "l3-cache-schema", "mem-bw-schema"]),
      letters: ["r": "resources"])
  ) { arguments, context in
    let record = try context.states.record(of: try arguments.container())
    guard try context.states.status(of: record) != .stopped else {
      throw OCIError("container \(record.id) is not running")
    }
    try record.group.update(try resources(arguments).settings)
    return 0
  }

  private static func resources(_ arguments: Arguments) throws -> OCIResources {
    if let path = arguments.value("resources") {
      let bytes = try Files.readAll(path == "-" ? "/dev/stdin" : path, limit: 4 << 20)
      let problems = Field.Problems()
      let resources = OCIResources(Field(value: try JSON(bytes: bytes), place: "", problems: problems))
      if !problems.list.isEmpty { throw OCIConfigurationError(problems: problems.list) }
      return resources
    }
    var resources = OCIResources()
    func number(_ name: String) throws -> Int64? {
      guard let text = arguments.value(name) else { return nil }
      guard let number = Int64(text) else { throw UsageError("--\(name) is not a number") }
      return number
    }
    func size(_ name: String) throws -> Int64? {
      guard let text = arguments.value(name) else { return nil }
      guard let bytes = bytes(text) else { throw UsageError("--\(name) is not a size") }
      return bytes
    }
    resources.setMemory(limit: try size("memory"), swap: try size("memory-swap"))
    if let bytes = try size("memory-reservation") { resources.setReservation(bytes) }
    if let shares = try number("cpu-share") { resources.setShares(UInt64(clamping: shares)) }
    resources.setQuota(try number("cpu-quota"), period: try number("cpu-period").map { UInt64(clamping: $0) })
    if let burst = try number("cpu-burst") {
      resources.legacy(.cpu, "cpu.cfs_burst_us", "\(burst)")
      resources.unified(.cpu, "cpu.max.burst", "\(burst)")
    }
    if let period = try number("cpu-rt-period") { resources.legacy(.cpu, "cpu.rt_period_us", "\(period)") }
    if let runtime = try number("cpu-rt-runtime") { resources.legacy(.cpu, "cpu.rt_runtime_us", "\(runtime)") }
    if let idle = try number("cpu-idle") { resources.both(.cpu, "cpu.idle", "\(idle)") }
    if let weight = try number("blkio-weight") { resources.setBlockWeight(UInt16(clamping: weight)) }
    if let limit = try number("pids-limit") { resources.setProcesses(limit) }
    if let bytes = try size("kernel-memory-tcp") {
      resources.legacy(.memory, "memory.kmem.tcp.limit_in_bytes", "\(bytes)", isOptional: true)
    }
    if let cpus = arguments.value("cpuset-cpus") { resources.both(.cpuset, "cpuset.cpus", cpus) }
    if let nodes = arguments.value("cpuset-mems") { resources.both(.cpuset, "cpuset.mems", nodes) }
    return resources
  }

  /// A number of bytes, or of a unit of 1024: `50M`, `1g`, `512kb`.
  private static func bytes(_ text: String) -> Int64? {
    let digits = text.prefix { $0 == "-" || $0.isNumber }
    guard let number = Int64(digits) else { return nil }
    let unit = text.dropFirst(digits.count).lowercased()
    let exponents = ["": 0, "b": 0, "k": 1, "kb": 1, "m": 2, "mb": 2, "g": 3, "gb": 3, "t": 4, "tb": 4]
    guard let exponent = exponents[unit] else { return nil }
    let (product, isTooLarge) = number.multipliedReportingOverflow(by: 1 << (10 * Int64(exponent)))
    return isTooLarge ? nil : product
  }
}
