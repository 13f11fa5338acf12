import ArgumentParser
import Glibc
import JSONDocument
import LinuxCgroup
import LinuxSystem
import StackEngine
import StackStore

struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Show what services use: processor, memory, network, processes.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Also containers that do not run.") var all = false
  @Flag(help: "Print once.") var noStream = false
  @Flag(help: "Whole ids.") var noTrunc = false
  @Option(help: "table or json (an object a line).") var format = Format.table
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    try project.acting(on: services) { name, services in
      let engine = project.engine
      let machine = try MachineMemory.total()
      func samples() throws -> [UsageSample] {
        try engine.containers(of: name, services: services).filter { all || $0.state.shim != nil }
          .compactMap { try UsageSample($0, engine, machineMemory: machine) }
      }
      var before = try samples()
      while true {
        _ = try Polling.readable([], milliseconds: 1000)
        let now = try samples()
        project.terminal.write(text(now, before))
        before = now
        if noStream || now.isEmpty { return }
      }
    }
  }

  private func text(_ now: [UsageSample], _ before: [UsageSample]) -> String {
    let rows = now.map { sample in
      sample.columns(since: before.first { $0.name == sample.name }, wholeIDs: noTrunc)
    }
    switch format {
    case .json:
      let keys = ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"]
      return zip(now, rows).map { sample, row in
        let members = [("Container", JSON.string(sample.id))] + zip(keys, row).map { ($0, JSON.string($1)) }
        return JSON.members(members).text() + "\n"
      }.joined()
    case .table:
      var table = Table([
        "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS",
      ])
      table.rows = rows
      return table.text
    }
  }
}

private enum MachineMemory {
  /// Bytes (proc_meminfo(5)).
  static func total() throws -> UInt64 {
    let line = try Files.text("/proc/meminfo").split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
    return (line?.split(separator: " ").dropFirst().first).flatMap { UInt64($0) }.map { $0 * 1024 } ?? 0
  }
}

/// What a container has used up to a moment.
private struct UsageSample {
  let name: String
  let id: String
  private let statistics: CgroupStatistics
  private let memoryLimit: UInt64
  /// Bytes received and sent; nil without a network of its own.
  private let network: (UInt64, UInt64)?
  /// Bytes that the processes that run now have read from devices, and written to them.
  private let devices: (UInt64, UInt64)
  private let time = KernelClock.monotonic

  /// nil for a container of which nothing is known.
  init?(_ status: ContainerStatus, _ engine: Engine, machineMemory: UInt64) throws {
    guard let summary = ContainerSummary(status) else { return nil }
    name = status.name
    id = summary.id
    let cgroup = try engine.cgroup(of: status)
    statistics = try cgroup.statistics()
    memoryLimit = min(statistics.memoryLimit ?? machineMemory, machineMemory)
    if case .running(let run, _) = status.state, status.record?.attachments.isEmpty == false {
      // One that ends meanwhile has none.
      network = (try? Files.text("/proc/\(run.process.pid)/net/dev")).map(Self.traffic)
    } else {
      network = nil
    }
    var devices: (UInt64, UInt64) = (0, 0)
    for pid in status.state.shim == nil ? [] : try cgroup.processes() {
      // The same.
      let text = (try? Files.text("/proc/\(pid)/io")) ?? ""
      devices.0 += Self.number("read_bytes:", in: text)
      devices.1 += Self.number("write_bytes:", in: text)
    }
    self.devices = devices
  }

  private static func number(_ key: String, in text: String) -> UInt64 {
    let line = text.split(separator: "\n").first { $0.hasPrefix(key) }
    return line.flatMap { UInt64($0.dropFirst(key.count).drop { $0 == " " }) } ?? 0
  }

  /// The sums over all interfaces but the loopback one (proc_pid_net(5), dev).
  private static func traffic(_ text: String) -> (UInt64, UInt64) {
    var sums: (UInt64, UInt64) = (0, 0)
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2, parts[0].drop(while: { $0 == " " }) != "lo" else { continue }
      let numbers = parts[1].split(separator: " ").compactMap { UInt64($0) }
      guard numbers.count > 8 else { continue }
      sums.0 += numbers[0]
      sums.1 += numbers[8]
    }
    return sums
  }

  func columns(since old: UsageSample?, wholeIDs: Bool) -> [String] {
    let used = (statistics.cpuTime ?? 0) &- (old?.statistics.cpuTime ?? statistics.cpuTime ?? 0)
    let elapsed = max(1, time - (old?.time ?? 0))
    let memory = statistics.memory ?? 0
    return [
      wholeIDs ? id : String(id.prefix(12)), name, Self.percent(old == nil ? 0 : used * 10_000 / elapsed),
      "\(Quantities.binaryBytes(memory)) / \(Quantities.binaryBytes(memoryLimit))",
      Self.percent(memory * 10_000 / max(1, memoryLimit)),
      network.map { "\(Quantities.bytes($0.0)) / \(Quantities.bytes($0.1))" } ?? "--",
      "\(Quantities.bytes(devices.0)) / \(Quantities.bytes(devices.1))", "\(statistics.pids ?? 0)",
    ]
  }

  private static func percent(_ hundredths: UInt64) -> String {
    "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)%"
  }
}
