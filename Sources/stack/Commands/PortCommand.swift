import ArgumentParser
import InternetAddress
import StackEngine
import StackModel
import StackStore

struct PortCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "port", abstract: "Print where a port of a service is published; without arguments, all ports.")

  @OptionGroup var global: GlobalOptions
  @Option(name: [.customLong("protocol")], help: "tcp or udp.") var transport = "tcp"
  @Option(help: "Which container of the service, from 1; without it, the first.") var index: Int?
  @Flag(help: "As shell variables: DB_HOST, DB_PORT_5432.") var env = false
  @Argument(help: "The service.") var service: String?
  @Argument(help: "The port of the container.") var port: UInt16?

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let containers = try project.engine.containers(of: name, services: service.map { [$0] } ?? [])
      if let service, let port {
        try write(service, port, containers, project)
      } else {
        let environment = StackEnvironment(containers)
        project.terminal.write(
          env
            ? environment.variables.map { "\($0.name)=\($0.value)\n" }.joined()
            : containers.flatMap { status in (status.record?.ports ?? []).map { "\(status.displayName) \($0.text)\n" } }
              .joined())
      }
    }
  }

  private func write(
    _ service: String, _ port: UInt16, _ containers: [ContainerStatus], _ project: Project
  ) throws {
    for container in containers {
      guard let record = container.record, !record.isOneOff, index == nil || record.number == index else { continue }
      guard
        let published = record.ports.first(where: {
          $0.containerPort == port && $0.transport.rawValue == transport.lowercased()
        })
      else {
        throw EngineError(
          .failure, "no port \(port)/\(transport) for container \(container.name): \(DisplayedPorts(record).names)")
      }
      return project.terminal.write("\(published.hostAddress?.description ?? "0.0.0.0"):\(published.hostPort)\n")
    }
    throw EngineError(.failure, "service \"\(service)\" is not running" + (index.map { " container #\($0)" } ?? ""))
  }
}

/// What a program outside of a stack needs to know to reach its services.
struct StackEnvironment {
  let containers: [ContainerStatus]

  init(_ containers: [ContainerStatus]) {
    self.containers = containers
  }

  /// `DB_HOST` and `DB_PORT_5432` for each service's first container that publishes a port.
  func variables(prefix: String = "") -> [EnvironmentVariable] {
    containers.filter { $0.record?.number == 1 && $0.record?.isOneOff == false }.flatMap { status in
      guard let record = status.record, let first = record.ports.first else { return [EnvironmentVariable]() }
      let name = prefix + Self.variableName(record.service)
      let host = first.hostAddress.map(\.description) ?? "127.0.0.1"
      return [EnvironmentVariable("\(name)_HOST", host == "0.0.0.0" ? "127.0.0.1" : host)]
        + record.ports.map { EnvironmentVariable("\(name)_PORT_\($0.containerPort)", "\($0.hostPort)") }
    }
  }

  var variables: [EnvironmentVariable] { variables() }

  static func variableName(_ service: String) -> String {
    String(service.uppercased().map { $0.isLetter && $0.isASCII || $0.isNumber ? $0 : "_" })
  }
}

extension ContainerRecord.PublishedPort {
  /// `0.0.0.0:8080->80/tcp`
  var text: String {
    "\(hostAddress.map(\.description) ?? "0.0.0.0"):\(hostPort)->\(containerPort)/\(transport)"
  }
}
