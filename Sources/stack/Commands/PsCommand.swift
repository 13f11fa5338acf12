import ArgumentParser
import JSONDocument
import LinuxSystem
import StackEngine
import StackModel
import StackStore

struct PsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ps", abstract: "List the containers of a stack.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Also those that do not run, that run made, and steps before a start.") var all =
    false
  @Flag(name: [.short, .long], help: "Only ids.") var quiet = false
  @Flag(help: "Only the names of the services.") var services = false
  @Option(help: "table or json (an object a line).") var format = Format.table
  @Option(help: ArgumentHelp("Only some: status=, name=, service=, health=, label=NAME[=VALUE].", valueName: "filter"))
  var filter: [String] = []
  @Option(help: ArgumentHelp("Only those in a state, for example exited.", valueName: "state")) var status: [String] =
    []
  @Flag(inversion: .prefixedNo, help: "Also containers of services that left the file.") var orphans = true
  @Flag(help: "Do not cut off commands, and ids in JSON.") var noTrunc = false
  @Argument(help: "Only these services.") var names: [String] = []

  func run() throws {
    let project = Project(global)
    let nothing = { project.terminal.write(try text([], project.engine, [:])) }
    try project.acting(on: names, absent: nothing) { name, _ in
      let filters = try filter.map(ContainerFilter.init) + status.map { ContainerFilter(.status, $0) }
      let asksState = filters.contains { $0.key == .status }
      let known: Set<String>? = orphans ? nil : Set(try project.stack(warns: false).services.map(\.name))
      let statuses = try project.paths.project(name).statuses()
      let rows = statuses.filter { status in
        all || asksState || ContainerSummary.isRunning(status) && status.record?.isOneOff == false
      }.compactMap(ContainerSummary.init)
        .filter { row in
          (names.isEmpty || names.contains(row.record.service)) && (known?.contains(row.record.service) ?? true)
            && ContainerFilter.admits(row, filters)
        }
      let networks = Dictionary(
        try project.paths.project(name).readNetworks().map { ($0.key, $0.name) },
        uniquingKeysWith: { first, _ in first })
      project.terminal.write(try text(rows, project.engine, networks))
    }
  }

  private func text(_ rows: [ContainerSummary], _ engine: Engine, _ networks: [String: String]) throws -> String {
    if quiet { return rows.map { $0.id + "\n" }.joined() }
    if services {
      var seen: Set<String> = []
      return rows.map(\.record.service).filter { seen.insert($0).inserted }.map { $0 + "\n" }.joined()
    }
    switch format {
    case .json:
      return try rows.map { row in
        let mounts = try engine.mounts(of: row.status)
        return row.json(networks: networks, mounts: mounts, cutsOff: !noTrunc).text() + "\n"
      }.joined()
    case .table:
      var table = Table(["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"])
      table.rows = rows.map { $0.tableRow(cutsOff: !noTrunc) }
      return table.text
    }
  }
}
