import ArgumentParser
import StackEngine

struct RestartCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restart", abstract: "Stop services and start them again, as they were made.")

  @OptionGroup var global: GlobalOptions
  @Option(name: [.short, .long], help: "Seconds to wait before a container is killed.") var timeout: Int?
  @Flag(help: "Without the services that want to be restarted with them.") var noDeps = false
  @Argument(help: "The services to restart; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    try project.actingOnFile(on: services) { name, services in
      try project.carryOut(.restart(withoutDependents: noDeps), of: name, services: services) {
        try project.engine.restart(name, services: services, withoutDependents: noDeps, timeout: timeout)
      }
    }
  }
}
