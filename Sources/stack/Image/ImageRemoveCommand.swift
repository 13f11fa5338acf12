import ArgumentParser
import StackEngine
import StackImages

struct ImageRemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Remove images, or names of images.",
    discussion: "An image goes with its last name. Images that stacks use stay.", aliases: ["remove"])

  @Flag(name: [.short, .long], help: "Also an image of an id with several names.") var force = false
  @Argument(help: "Names or ids.") var images: [String]

  func run() throws {
    let session = ImageSession()
    try session.reporting {
      let use = try session.paths.imageUse()
      // All that can be removed is, whatever becomes of the others.
      var failure: ExitCode?
      for image in images {
        do {
          for event in try session.store.remove(image, isForced: force, use: use) {
            session.terminal.write(event.text + "\n")
          }
        } catch {
          failure = session.fail(error)
        }
      }
      if let failure { throw failure }
    }
  }
}

extension RemovalEvent {
  fileprivate var text: String {
    switch self {
    case .untagged(let name): "untagged \(name)"
    case .deleted(let id): "deleted \(id)"
    }
  }
}
