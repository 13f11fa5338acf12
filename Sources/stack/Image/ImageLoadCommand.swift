import ArgumentParser
import StackImages

struct ImageLoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load", abstract: "Take images from an archive.",
    discussion: """
      Reads what docker save, podman save, skopeo and umoci write: docker archives and OCI layouts, as a tar (also compressed
      with gzip or zstd) or a directory.
      """)

  @Option(name: [.short, .long], help: ArgumentHelp("A tar or a directory; - is standard input.", valueName: "path"))
  var input = "-"
  @Option(help: "The name of the image, instead of its own.") var name: String?
  @Flag(name: [.short, .long], help: "Only ids.") var quiet = false

  func run() throws {
    let session = ImageSession()
    try session.reporting {
      for image in try session.store.load(from: input, name: name) {
        let names = image.references.isEmpty ? "an image without a name" : image.references.joined(separator: ", ")
        session.terminal.write(quiet ? "\(image.id)\n" : "loaded \(names) (\(image.shortID))\n")
      }
    }
  }
}
