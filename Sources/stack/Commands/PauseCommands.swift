import ArgumentParser
import StackEngine

struct PauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pause", abstract: "Stop all processes of services where they are, until unpause.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    try project.actingOnFile(on: services) { name, services in
      try project.carryOut(.pause, of: name, services: services) {
        try project.engine.pause(name, services: services)
      }
    }
  }
}

struct UnpauseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpause", abstract: "Let services go on that were paused.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    try project.actingOnFile(on: services) { name, services in
      try project.carryOut(.unpause, of: name, services: services) {
        try project.engine.unpause(name, services: services)
      }
    }
  }
}
