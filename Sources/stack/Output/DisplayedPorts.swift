import InternetAddress
import JSONDocument
import StackModel
import StackStore

/// The ports of a container as `ps` shows them, with docker's forms: those that are published and those that are not.
struct DisplayedPorts {
  private struct Port {
    let container: UInt16
    let transport: String
    /// nil when it is not published.
    let host: (address: String, port: UInt16)?
  }

  private let ports: [Port]

  init(_ record: ContainerRecord) {
    let published = record.ports.map {
      Port(
        container: $0.containerPort, transport: $0.transport.rawValue,
        host: ($0.hostAddress.map(\.description) ?? "0.0.0.0", $0.hostPort))
    }
    let exposed = record.exposedPorts.filter { port in
      !record.ports.contains { $0.containerPort == port.port && $0.transport == port.transport }
    }.map { Port(container: $0.port, transport: $0.transport.rawValue, host: nil) }
    ports = (published + exposed).sorted { left, right in
      (left.container, left.host?.address ?? "", left.host?.port ?? 0, left.transport)
        < (right.container, right.host?.address ?? "", right.host?.port ?? 0, right.transport)
    }
  }

  /// `0.0.0.0:8080->80/tcp, 9000-9002/udp`: what follows each other, and is not published elsewhere, is one range.
  var text: String {
    var groups: [(key: String, first: UInt16, last: UInt16)] = []
    var open: [String: Int] = [:]
    var mappings: [String] = []
    for port in ports {
      let transport = "/\(port.transport)"
      if let host = port.host, host.port != port.container {
        mappings.append("\(host.address):\(host.port)->\(port.container)\(transport)")
        continue
      }
      let key = (port.host?.address ?? "") + transport
      if let index = open[key], groups[index].last &+ 1 == port.container {
        groups[index].last = port.container
      } else {
        open[key] = groups.count
        groups.append((key, port.container, port.container))
      }
    }
    let ranges = groups.map { group in
      let parts = group.key.split(separator: "/", omittingEmptySubsequences: false)
      let range = group.first == group.last ? "\(group.first)" : "\(group.first)-\(group.last)"
      return (parts[0].isEmpty ? range : "\(parts[0]):\(range)->\(range)") + "/\(parts[1])"
    }
    return (ranges + mappings).joined(separator: ", ")
  }

  /// A port that is not published has no address, and 0 on the machine.
  var publishers: JSON {
    .array(
      ports.map { port in
        .members([
          ("URL", .string(port.host?.address ?? "")), ("TargetPort", .integer(port.container)),
          ("PublishedPort", .integer(port.host?.port ?? 0)), ("Protocol", .string(port.transport)),
        ])
      })
  }

  /// `80/tcp, 81/tcp`: what an error says that there is.
  var names: String { ports.map { "\($0.container)/\($0.transport)" }.joined(separator: ", ") }
}
