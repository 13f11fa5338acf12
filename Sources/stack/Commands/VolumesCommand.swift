import ArgumentParser
import JSONDocument
import LinuxSystem
import StackEngine
import StackStore

struct VolumesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "volumes", abstract: "List the volumes of a stack.")

  enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Only names.") var quiet = false
  @Option(help: "table or json (an object a line).") var format = Format.table
  @Argument(help: "Only those of these services.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      var volumes = try project.engine.volumes(of: name)
      if !services.isEmpty {
        let acting = try project.acting(on: services, of: name)
        let containers = try acting.map { try project.engine.containers(of: name, services: $0) } ?? []
        let used = Set(try containers.flatMap { try project.engine.mounts(of: $0) }.compactMap(\.volume))
        volumes.removeAll { !used.contains($0.name) }
      }
      project.terminal.write(text(volumes, name))
    }
  }

  private func text(_ volumes: [VolumeDescription], _ project: String) -> String {
    if quiet { return volumes.map { $0.name + "\n" }.joined() }
    switch format {
    case .json: return volumes.map { json($0, project).text() + "\n" }.joined()
    case .table:
      var table = Table(["DRIVER", "VOLUME NAME"])
      table.rows = volumes.map { ["local", $0.name] }
      return table.text
    }
  }

  /// With docker's keys.
  private func json(_ volume: VolumeDescription, _ project: String) -> JSON {
    let unknown = JSON.string("N/A")
    return .members([
      ("Availability", unknown), ("Driver", .string("local")), ("Group", unknown),
      ("Labels", .string("com.docker.compose.project=\(project)")), ("Links", unknown),
      ("Mountpoint", .string(volume.path)), ("Name", .string(volume.name)), ("Scope", .string("local")),
      ("Size", unknown), ("Status", unknown), ("Anonymous", .bool(volume.isAnonymous)),
    ])
  }
}
