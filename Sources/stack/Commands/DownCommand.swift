import ArgumentParser
import StackEngine

struct DownCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "down", abstract: "Stop a stack and remove everything of it.",
    discussion: "Named volumes stay, unless -v is given. Needs no stack file when -p names the project.")

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Remove the named volumes too.") var volumes = false
  @Option(name: [.short, .long], help: "Seconds to wait before a container is killed.") var timeout: Int?
  @Flag(help: "Accepted: containers of services that left the file are always removed.") var removeOrphans = false

  func run() throws {
    let project = Project(global)
    var options = DownOptions()
    options.removesVolumes = volumes
    options.timeout = timeout
    let name = try project.name()
    try project.reporting { try project.engine.down(name, options) }
  }
}
