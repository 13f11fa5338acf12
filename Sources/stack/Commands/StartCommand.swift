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
    let name = try project.name()
    try project.reporting {
      try project.engine.start(name, services: services, waiting: (wait, waitTimeout))
    }
  }
}
