import ArgumentParser
import StackEngine
import StackImages
import StackStore

struct CommitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "commit", abstract: "Make an image of a service's container, with what has changed in its files.",
    discussion:
      "Without what is on volumes. What the image says of its containers is what the service's image says, and --change."
  )

  @OptionGroup var global: ProjectOptions
  @Option(name: [.short, .long], help: "Who makes it.") var author: String?
  @Option(name: [.short, .long], help: "What is to be said of it in its history.") var message: String?
  @Option(
    name: [.short, .long],
    help: ArgumentHelp("An instruction of a Dockerfile, for example ENV NAME=value.", valueName: "instruction"))
  var change: [String] = []
  @Flag(
    name: [.short, .long], inversion: .prefixedNo, help: "Stop the container's processes meanwhile.")
  var pause = true
  @Option(help: "Which container of the service, from 1; without it, the first that runs.") var index: Int?
  @Argument(help: "The service.") var service: String
  @Argument(help: "The name of the image; without it, it has its id alone.") var name: String?

  func run() throws {
    let project = Project(global)
    try project.refuseDryRun()
    let stack = try project.name()
    try project.reporting {
      let status = try project.engine.container(of: service, in: stack, index: index)
      let id = try project.engine.commit(status, of: stack, as: name, pauses: pause) { commit in
        commit.author = author
        commit.comment = message
        commit.instructions = try change.map { instruction in try ImageInstruction(instruction) }
      }
      project.terminal.error(" Container \(status.name) Committed as \(id)\n")
    }
  }
}
