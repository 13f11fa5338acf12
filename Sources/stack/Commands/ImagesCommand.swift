import ArgumentParser
import JSONDocument
import LinuxSystem
import StackEngine
import StackImages
import StackStore

struct ImagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "images", abstract: "List the images that the containers of a stack were made from.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Only ids, each once.") var quiet = false
  @Option(help: "table or json (an array).") var format = Format.table
  @Argument(help: "Only these services.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let containers =
        try project.acting(on: services, of: name).map { try project.engine.containers(of: name, services: $0) } ?? []
      let images = try ImageStore(dataDirectory: project.paths.data).list()
      let rows = containers.compactMap { status in Row(status, images) }
      project.terminal.write(text(rows))
    }
  }

  private func text(_ rows: [Row]) -> String {
    if quiet {
      var seen: Set<String> = []
      return rows.map(\.digest).filter { seen.insert($0).inserted }.map { $0 + "\n" }.joined()
    }
    switch format {
    case .json: return JSON.array(rows.map(\.json)).text() + "\n"
    case .table:
      var table = Table(["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"])
      table.rows = rows.map(\.cells)
      return table.text
    }
  }

  private struct Row {
    let container: String
    let repository: String
    let tag: String
    let id: String
    /// nil of an image that was removed from the store.
    let image: ImageSummary?

    /// nil for a container that was made from no image.
    init?(_ status: ContainerStatus, _ images: [ImageSummary]) {
      guard let record = status.record, !record.image.isEmpty else { return nil }
      container = status.name
      let name = record.image.split(separator: "/").last ?? ""
      let tag = name.contains("@") ? nil : name.split(separator: ":").dropFirst().first
      repository = String(tag.map { record.image.dropLast($0.count + 1) } ?? record.image[...])
      self.tag = tag.map(String.init) ?? "latest"
      id = record.imageID
      image = images.first { $0.id == record.imageID }
    }

    /// Without the name of the algorithm.
    var digest: String { String(id.drop { $0 != ":" }.dropFirst()) }

    private var platform: String { image.map { "linux/\($0.architecture)" } ?? "" }

    var cells: [String] {
      [
        container, repository, tag, platform, String(digest.prefix(12)),
        image.map { Quantities.bytes($0.size) } ?? "N/A",
        image?.age ?? "N/A",
      ]
    }

    var json: JSON {
      .members(
        [
          ("ID", .string(id)), ("ContainerName", .string(container)), ("Repository", .string(repository)),
          ("Tag", .string(tag)), ("Platform", .string(platform)), ("Size", .integer(Int64(clamping: image?.size ?? 0))),
        ]
          + (image?.createdText.map { [("Created", .string($0))] } ?? []))
    }
  }
}
