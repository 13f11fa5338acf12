import ArgumentParser
import StackEngine

struct ScaleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scale", abstract: "Change how many containers services have.")

  @OptionGroup var global: GlobalOptions
  @Flag(help: "Without the services that they depend on.") var noDeps = false
  @Argument(help: ArgumentHelp("The numbers.", valueName: "SERVICE=NUMBER")) var counts: [String]

  func run() throws {
    let project = Project(global)
    let (stack, orphans) = try project.stackAndOrphans(services: try ChangeOptions.counts(counts).keys.sorted())
    var options = UpOptions()
    options.scale = try ChangeOptions.counts(counts)
    options.services = options.scale.keys.sorted()
    options.withoutDependencies = noDeps
    options.removesOrphans = orphans == .removed
    options.ignoresOrphans = orphans == .ignored
    if project.options.dryRun { return try project.preview(stack, options) }
    try project.reporting { try project.engine.up(stack, options) }
  }
}
