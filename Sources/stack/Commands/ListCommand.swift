import ArgumentParser
import JSONDocument
import LinuxSystem
import StackStore

struct ListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ls", abstract: "List the stacks of this machine.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Also those of which nothing runs.") var all = false
  @Flag(name: [.short, .long], help: "Only names.") var quiet = false
  @Option(help: "table or json.") var format = Format.table
  @Option(help: ArgumentHelp("Only some: name= and a regular expression.", valueName: "filter")) var filter: [String] =
    []

  private struct Row {
    let name: String
    let status: String
    let files: String
  }

  func run() throws {
    let project = Project(global)
    try project.reporting {
      let patterns = try filter.map(Self.pattern)
      let rows = try project.paths.projects().compactMap { try row($0, patterns, project) }
      switch (quiet, format) {
      case (true, _): project.terminal.write(rows.map { $0.name + "\n" }.joined())
      case (_, .json):
        let values = rows.map { row in
          JSON.members([
            ("Name", .string(row.name)), ("Status", .string(row.status)), ("ConfigFiles", .string(row.files)),
          ])
        }
        project.terminal.write(JSON.array(values).text() + "\n")
      case (_, .table):
        var table = Table(["NAME", "STATUS", "CONFIG FILES"])
        table.rows = rows.map { [$0.name, $0.status, $0.files] }
        project.terminal.write(table.text)
      }
    }
  }

  private static func pattern(_ filter: String) throws -> RegularExpression {
    guard filter.hasPrefix("name=") else {
      throw ValidationError("\(filter) is no filter: name= and a regular expression")
    }
    return try RegularExpression(String(filter.dropFirst(5)))
  }

  private func row(_ name: String, _ patterns: [RegularExpression], _ project: Project) throws -> Row? {
    if !patterns.isEmpty, !patterns.contains(where: { $0.matches(name.utf8) }) { return nil }
    let statuses = try project.paths.project(name).statuses()
    var counts: [String: Int] = [:]
    // As docker compose has it: without --all, what does not run is not counted either.
    for status in statuses where all || ContainerSummary.isRunning(status) {
      if let summary = ContainerSummary(status) { counts[summary.stateName, default: 0] += 1 }
    }
    if counts.isEmpty { return nil }
    let files = statuses.lazy.compactMap { $0.record?.labels["com.docker.compose.project.config_files"] }.first
    return Row(
      name: name, status: counts.sorted { $0.key < $1.key }.map { "\($0.key)(\($0.value))" }.joined(separator: ", "),
      files: files ?? "")
  }
}
