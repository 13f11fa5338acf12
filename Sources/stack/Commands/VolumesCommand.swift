import ArgumentParser
import JSONDocument
import StackEngine

struct VolumesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "volumes", abstract: "List the volumes of a stack.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Only names.") var quiet = false
  @Option(help: "table or json (an object a line).") var format = Format.table
  @Argument(help: "Accepted: the volumes of the stack are listed.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let volumes = try project.engine.volumes(of: name)
      if quiet { return project.terminal.write(volumes.map { $0.name + "\n" }.joined()) }
      switch format {
      case .json:
        project.terminal.write(
          volumes.map { volume in
            JSON.members([
              ("Name", .string(volume.name)), ("Driver", .string("local")), ("Mountpoint", .string(volume.path)),
              ("Anonymous", .bool(volume.isAnonymous)),
            ]).text() + "\n"
          }.joined())
      case .table:
        var table = Table(["DRIVER", "VOLUME NAME"])
        table.rows = volumes.map { ["local", $0.name] }
        project.terminal.write(table.text)
      }
    }
  }
}
