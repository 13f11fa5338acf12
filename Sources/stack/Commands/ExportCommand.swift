import ArgumentParser
import Glibc
import LinuxSystem
import StackEngine
import SystemPackage

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the file system of a service's container as a tar.",
    discussion: "Without what is mounted in it: volumes and the kernel's file systems.")

  @OptionGroup var global: GlobalOptions
  @Option(name: [.short, .long], help: ArgumentHelp("Write to a file.", valueName: "file")) var output: String?
  @Option(help: "Which container of the service, from 1; without it, the first that runs.") var index: Int?
  @Argument(help: "The service.") var service: String

  func run() throws {
    let project = Project(global)
    try project.refuseDryRun()
    let name = try project.name()
    try project.reporting {
      let status = try project.engine.container(of: service, in: name, index: index)
      let container = try project.engine.fileSystem(of: status)
      guard let output, output != "-" else {
        if isatty(1) == 1 { throw EngineError(.failure, "a terminal cannot show a tar: use -o FILE, or a pipe") }
        return try container.export(to: .standardOutput)
      }
      let file = try Files.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
      try container.export(to: file.borrowed)
    }
  }
}
