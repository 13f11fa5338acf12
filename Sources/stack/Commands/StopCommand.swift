import ArgumentParser
import StackEngine

struct StopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop", abstract: "Stop services; `up` starts them again as they were.")

  @OptionGroup var global: GlobalOptions
  @Option(name: [.short, .long], help: "Seconds to wait before a container is killed.") var timeout: Int?
  @Argument(help: "The services to stop; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    try project.actingOnFile(on: services) { name, services in
      try project.carryOut(.stop, of: name, services: services) {
        try project.engine.stop(name, services: services, timeout: timeout)
      }
    }
  }
}
