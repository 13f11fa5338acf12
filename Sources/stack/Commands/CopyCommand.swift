import ArgumentParser
import Glibc
import IsolationEngine
import LinuxSystem
import StackEngine
import StackStore
import SystemPackage

struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cp", abstract: "Copy files between a service and this machine.",
    usage: "stack cp [<options>] SERVICE:SOURCE TARGET|-\n       stack cp [<options>] SOURCE|- SERVICE:TARGET",
    discussion: """
      Into a service goes to all its containers, unless --index names one. - is a tar on standard output or standard input. A \
      directory is copied into a target that exists, and as the target otherwise; DIR/. is what is in it. Services that do not run \
      have files too.
      """)

  @OptionGroup var global: GlobalOptions
  @Flag(name: [.short, .long], help: "Files keep their owners.") var archive = false
  @Flag(name: [.customShort("L"), .long], help: "Copy what a link given as source leads to.") var followLink = false
  @Option(help: "Which container of the service, from 1.") var index: Int?
  @Flag(help: "Also containers made by run.") var all = false
  @Argument(help: "What to copy.") var source: String
  @Argument(help: "Where to.") var target: String

  func run() throws {
    let project = Project(global)
    try project.refuseDryRun()
    var copy = FileCopy()
    copy.followsLinks = followLink
    copy.keepsOwners = archive
    let from = Self.place(source)
    let to = Self.place(target)
    let name = try project.name()
    try project.reporting {
      switch (from, to) {
      case (let from?, nil):
        let status = try project.engine.container(of: from.service, in: name, index: index ?? 1)
        let container = try project.engine.fileSystem(of: status)
        if target == "-" { return try copy.pack(from.path, of: container, to: .standardOutput) }
        try copy.copy(from.path, of: container, to: target)
      case (nil, let to?):
        let containers = try containers(of: to.service, project.engine, name)
        if source == "-" {
          if containers.count > 1 {
            throw EngineError(.failure, "a tar on standard input goes to one container: name it with --index")
          }
          for container in containers { try copy.unpack(.standardInput, into: to.path, of: container) }
        } else {
          try copy.copy(source, into: to.path, of: containers)
        }
      case (nil, nil), (_?, _?): throw ValidationError("one of both is SERVICE:PATH")
      }
    }
  }

  private func containers(
    of service: String, _ engine: Engine, _ project: String
  ) throws -> [ContainerFileSystem] {
    if let index { return [try engine.fileSystem(of: try engine.container(of: service, in: project, index: index))] }
    let chosen = try engine.containers(of: project, services: [service]).filter { all || $0.record?.isOneOff == false }
    return try chosen.map { try engine.fileSystem(of: $0) }
  }

  /// `SERVICE:PATH`; nil for a path of the machine, which has a slash before any colon.
  private static func place(_ text: String) -> (service: String, path: String)? {
    guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else { return nil }
    let service = text[..<colon]
    if service.contains("/") || service.hasPrefix(".") { return nil }
    let path = String(text[text.index(after: colon)...])
    // Relative to the root of the container, as there is no other directory that both sides agree on.
    return (String(service), path.hasPrefix("/") ? path : "/" + path)
  }
}
