import ArgumentParser
import JSONDocument
import StackEngine
import StackStore

struct ImagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "images", abstract: "List the images that the containers of a stack were made from.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Only ids.") var quiet = false
  @Option(help: "table or json (an array).") var format = Format.table
  @Argument(help: "Only these services.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let containers = try project.engine.containers(of: name, services: services)
      let rows = containers.compactMap { status -> (name: String, repository: String, tag: String, id: String)? in
        guard let record = status.record, !record.image.isEmpty else { return nil }
        let name = record.image.split(separator: "/").last ?? ""
        let tag = name.contains("@") ? nil : name.split(separator: ":").dropFirst().first
        let repository = tag.map { record.image.dropLast($0.count + 1) } ?? record.image[...]
        return (status.directory.name, String(repository), tag.map(String.init) ?? "latest", record.imageID)
      }
      if quiet { return project.terminal.write(rows.map { $0.id + "\n" }.joined()) }
      switch format {
      case .json:
        let values = rows.map { row in
          JSON.members([
            ("ID", .string(row.id)), ("ContainerName", .string(row.name)), ("Repository", .string(row.repository)),
            ("Tag", .string(row.tag)),
          ])
        }
        project.terminal.write(JSON.array(values).text() + "\n")
      case .table:
        var table = Table(["CONTAINER", "REPOSITORY", "TAG", "IMAGE ID"])
        table.rows = rows.map {
          [$0.name, $0.repository, $0.tag, String($0.id.drop { $0 != ":" }.dropFirst().prefix(12))]
        }
        project.terminal.write(table.text)
      }
    }
  }
}
