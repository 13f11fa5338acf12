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
  @Option(help: "Remove images too: all, or local, which are those without a name; of these there are none.") var rmi:
    ImageRemoval?
  @Argument(help: "Only these services; what they depend on, and the networks, stay.") var services: [String] = []

  enum ImageRemoval: String, ExpressibleByArgument, CaseIterable { case local, all }

  func run() throws {
    let project = Project(global)
    var options = DownOptions()
    options.removesVolumes = volumes
    options.timeout = timeout
    options.removesImages = rmi == .all
    try project.acting(on: services) { name, services in
      if services.isEmpty {
        return try project.carryOut(.down(options), of: name, services: []) { try project.engine.down(name, options) }
      }
      var removal = Engine.RemoveOptions()
      removal.stops = true
      removal.removesAnonymousVolumes = volumes
      removal.timeout = timeout
      try project.carryOut(.remove(removal), of: name, services: services) {
        try project.engine.remove(name, services: services, removal)
      }
    }
  }
}
