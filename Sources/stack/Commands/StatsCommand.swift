import ArgumentParser
import JSONDocument
import LinuxCgroup
import LinuxSystem
import StackEngine
import StackStore

struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats", abstract: "Show what services use: processor, memory, processes.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Also containers that do not run.") var all = false
  @Flag(help: "Print once.") var noStream = false
  @Flag(help: "Accepted: nothing is cut off.") var noTrunc = false
  @Option(help: "table or json (an object a line).") var format = Format.table
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  private struct Sample {
    let name: String
    let service: String
    let statistics: CgroupStatistics
    let time: UInt64
  }

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let engine = project.engine
      var before = try samples(engine, name)
      while true {
        _ = try Polling.readable([], milliseconds: 1000)
        let now = try samples(engine, name)
        write(now, before, project)
        before = now
        if noStream || now.isEmpty { return }
      }
    }
  }

  private func samples(_ engine: Engine, _ project: String) throws -> [Sample] {
    try engine.containers(of: project, services: services).filter { all || $0.state.shim != nil }.map { status in
      Sample(
        name: status.directory.name, service: status.record?.service ?? "",
        statistics: try engine.cgroup(of: status).statistics(), time: KernelClock.monotonic)
    }
  }

  private func write(_ now: [Sample], _ before: [Sample], _ project: Project) {
    let rows = now.map { sample -> [String] in
      let old = before.first { $0.name == sample.name }
      let used = (sample.statistics.cpuTime ?? 0) &- (old?.statistics.cpuTime ?? sample.statistics.cpuTime ?? 0)
      let elapsed = max(1, sample.time - (old?.time ?? 0))
      let hundredths = old == nil ? 0 : used * 10_000 / elapsed
      let fraction = hundredths % 100
      return [
        sample.name, sample.service, "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)%",
        Self.size(sample.statistics.memory ?? 0), Self.size(sample.statistics.memoryPeak ?? 0),
        "\(sample.statistics.pids ?? 0)",
      ]
    }
    if format == .json {
      let keys = ["Name", "Service", "CPUPerc", "MemUsage", "MemPeak", "PIDs"]
      project.terminal.write(
        rows.map { row in JSON.members(zip(keys, row).map { ($0, .string($1)) }).text() + "\n" }.joined())
    } else {
      var table = Table(["NAME", "SERVICE", "CPU %", "MEM USAGE", "MEM PEAK", "PIDS"])
      table.rows = rows
      project.terminal.write(table.text)
    }
  }

  static func size(_ bytes: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"]
    var (value, unit) = (Double(bytes), 0)
    while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
    let tenths = UInt64(value * 10 + 0.5)
    return unit == 0 ? "\(bytes)B" : "\(tenths / 10).\(tenths % 10)\(units[unit])"
  }
}
