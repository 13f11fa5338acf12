import ArgumentParser
import StackEngine

struct StartCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Start services that are stopped, with what they depend on.")

  @OptionGroup var global: GlobalOptions
  @Flag(help: "Return when they are ready: healthy where they have a health check.") var wait = false
  @Option(help: "Seconds to wait for that.") var waitTimeout: Int?
  @Argument(help: "The services to start; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    // A service that is named has to have a container.
    let scope = try project.scope(naming: services)
    try project.reporting {
      guard let chosen = try services.isEmpty ? project.acting(on: [], in: scope) : services else { return }
      try project.carryOut(.start, of: scope.name, services: chosen) {
        try project.engine.start(scope.name, services: chosen, waiting: (wait, waitTimeout))
      }
    }
  }
}
