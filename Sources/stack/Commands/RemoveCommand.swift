import ArgumentParser
import Glibc
import StackEngine
import StackStore

struct RemoveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rm", abstract: "Remove containers that do not run.")

  @OptionGroup var global: NamedProjectOptions
  @Flag(name: [.short, .long], help: "Do not ask.") var force = false
  @Flag(name: [.short, .long], help: "Stop those that run first.") var stop = false
  @Flag(name: [.short, .long], help: "Remove their anonymous volumes too.") var volumes = false
  @Option(name: [.short, .long], help: "Seconds to wait before a container is killed.") var timeout: Int?
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    var options = Engine.RemoveOptions()
    options.stops = stop
    options.removesAnonymousVolumes = volumes
    options.includesOneOffs = false
    options.timeout = timeout
    let none = { project.terminal.error("No stopped containers\n") }
    try project.actingOnFile(on: services, absent: none) { name, services in
      let chosen = try project.engine.removable(name, services: services, options)
      if chosen.isEmpty { return none() }
      if !force && !project.options.dryRun {
        project.terminal.error(
          "Going to remove \(chosen.map(\.directory.name).joined(separator: ", ")). Are you sure? [yN] ")
        guard let answer = readLine(), ["y", "yes"].contains(answer.lowercased()) else { return }
      }
      try project.carryOut(.remove(options), of: name, services: services) {
        try project.engine.remove(name, services: services, options)
      }
    }
  }
}
