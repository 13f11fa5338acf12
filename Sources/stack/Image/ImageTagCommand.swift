import ArgumentParser
import StackImages

struct ImageTagCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "tag", abstract: "Give an image one more name.")

  @Argument(help: "The image.") var image: String
  @Argument(help: "The new name.") var name: String

  func run() throws {
    let session = ImageSession()
    try session.reporting { try session.store.tag(image, as: name) }
  }
}
