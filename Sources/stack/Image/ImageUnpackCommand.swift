import ArgumentParser
import StackImages

struct ImageUnpackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpack", abstract: "Unpack an image from an archive into a plain directory, without the store.",
    discussion: "The directory appears when it is complete, and not at all after an error.")

  @Argument(help: "An OCI layout or docker archive: a tar, a directory, or - for standard input.") var archive: String
  @Argument(help: "The directory to make; it must not exist, or be empty.") var directory: String
  @Option(help: "Which image, when the archive has more than one.") var image: String?

  func run() throws {
    let session = ImageSession()
    try session.reporting { try ImageUnpacking.unpack(archive, image: image, to: directory) }
  }
}
