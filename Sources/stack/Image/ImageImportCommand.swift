import ArgumentParser
import StackImages

struct ImageImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Make an image of a file system.",
    discussion:
      "Equal file systems make equal images, with the same id. Of a directory, what is mounted in it is left out.")

  @Argument(help: "The name of the image.") var name: String
  @Argument(help: "A tar (also compressed with gzip or zstd) or a directory; - is a tar from standard input.")
  var source: String
  @Flag(name: [.short, .long], help: "Only the id.") var quiet = false

  func run() throws {
    let session = ImageSession()
    try session.reporting {
      let image = try session.store.importFileSystem(name: name, from: source)
      let text =
        "imported \(image.references.joined(separator: ", ")) (\(image.shortID), \(Quantities.bytes(image.size)))\n"
      session.terminal.write(quiet ? "\(image.id)\n" : text)
    }
  }
}
