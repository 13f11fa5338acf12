import ArgumentParser
import LinuxSystem
import StackEngine
import StackModel
import StackStore

struct PsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ps", abstract: "List the containers of a stack.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Also those that do not run.") var all = false
  @Flag(name: [.short, .long], help: "Only ids.") var quiet = false
  @Flag(help: "Only the names of the services.") var services = false
  @Option(help: "table or json (an object a line).") var format = Format.table
  @Argument(help: "Only these services.") var names: [String] = []

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let statuses = try project.paths.project(name).statuses().filter { status in
        let isWanted = names.isEmpty || names.contains(status.record?.service ?? "")
        return isWanted && status.record != nil && (all || ContainerSummary.isRunning(status))
      }
      let rows = statuses.compactMap(ContainerSummary.init)
      project.terminal.write(text(rows))
    }
  }

  private func text(_ rows: [ContainerSummary]) -> String {
    if quiet { return rows.map { $0.id + "\n" }.joined() }
    if services {
      var seen: Set<String> = []
      return rows.map(\.record.service).filter { seen.insert($0).inserted }.map { $0 + "\n" }.joined()
    }
    switch format {
    case .json: return rows.map { $0.json.compact + "\n" }.joined()
    case .table:
      var table = Table(["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"])
      table.rows = rows.map(\.tableRow)
      return table.text
    }
  }
}
