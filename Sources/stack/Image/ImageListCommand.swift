import ArgumentParser
import JSONDocument
import LinuxSystem
import StackImages
import StackLogs

struct ImageListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "ls", abstract: "List images.", aliases: ["list"])

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @Flag(name: [.short, .long], help: "Only ids.") var quiet = false
  @Option(help: "table or json.") var format = Format.table

  func run() throws {
    let session = ImageSession()
    try session.reporting {
      let images = try session.store.list()
      session.terminal.write(text(images))
    }
  }

  private func text(_ images: [ImageSummary]) -> String {
    if quiet { return images.map { $0.id + "\n" }.joined() }
    switch format {
    case .json: return JSON.array(images.map(\.json)).text(indent: true) + "\n"
    case .table:
      var table = Table(["NAME", "ID", "SIZE", "CREATED", "LAYERS"])
      // An image with several names has as many rows, as in other tools.
      table.rows = images.flatMap { image in
        (image.references.isEmpty ? ["<none>"] : image.references).map { name in
          [name, image.shortID, Quantities.bytes(image.size), image.age, String(image.layerCount)]
        }
      }
      return table.text
    }
  }
}

extension ImageSummary {
  /// The first 12 digits of the id, as other tools show it.
  var shortID: String { String(id.dropFirst("sha256:".count).prefix(12)) }

  /// As RFC 3339 has it; nil when the image does not say.
  var createdText: String? { created <= 0 ? nil : LogTime.text(UInt64(created) * 1_000_000_000) }

  var age: String {
    if created <= 0 { return "-" }
    return ContainerSummary.ago(KernelClock.realtime, UInt64(created) * 1_000_000_000)
  }

  fileprivate var json: JSON {
    .members([
      ("ID", .string(id)), ("Names", .strings(references)), ("Size", .integer(Int64(clamping: size))),
      ("Created", .integer(Int64(created))), ("Layers", .integer(Int64(layerCount))),
      ("Architecture", .string(architecture)),
    ])
  }
}
