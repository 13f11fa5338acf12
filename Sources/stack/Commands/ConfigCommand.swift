import ArgumentParser
import StackFile
import StackModel

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "Check the stack file and print what it means.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case yaml, json }

  @OptionGroup var global: GlobalOptions
  @Option(help: "yaml or json.") var format = Format.yaml
  @Flag(name: [.short, .long], help: "Only check.") var quiet = false
  @Flag(help: "Print the names of the services.") var services = false
  @Flag(help: "Print the images.") var images = false
  @Flag(help: "Print the names of the networks.") var networks = false
  @Flag(help: "Print the names of the volumes.") var volumes = false

  func run() throws {
    let project = Project(global)
    let result = try project.load()
    guard let stack = result.stack, let document = result.document else { throw ExitCode(3) }
    if quiet { return }
    let lists: [(Bool, [String])] = [
      (services, stack.services.map(\.name)), (networks, stack.networks.map(\.key)),
      (volumes, stack.volumes.map(\.key)),
      (images, stack.services.compactMap(\.root.imageName)),
    ]
    if let list = lists.first(where: \.0)?.1 {
      project.terminal.write(list.map { $0 + "\n" }.joined())
    } else {
      project.terminal.write(format == .json ? StackPrinter.json(document) : StackPrinter.yaml(document))
    }
  }
}
