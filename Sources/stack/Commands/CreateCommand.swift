import ArgumentParser
import StackEngine

struct CreateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Make the containers of services, and start none.")

  @OptionGroup var global: GlobalOptions
  @OptionGroup var changes: ChangeOptions
  @Flag(help: "Stop and remove containers of services that the file does not have any more.") var removeOrphans = false
  @Flag(name: [.short, .long], help: "Accepted: nothing is asked.") var yes = false
  @Argument(help: "The services, with what they depend on; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    let (stack, orphans) = try project.stackAndOrphans(
      services: services, removed: removeOrphans, images: changes.images)
    var options = UpOptions()
    options.services = services
    options.onlyCreates = true
    options.recreation = try changes.recreation
    options.dependencyRecreation = changes.dependencyRecreation
    options.scale = try changes.counts
    options.removesOrphans = orphans == .removed
    options.ignoresOrphans = orphans == .ignored
    if project.options.dryRun { return try project.preview(stack, options) }
    try project.reporting { try project.engine.up(stack, options) }
  }
}
