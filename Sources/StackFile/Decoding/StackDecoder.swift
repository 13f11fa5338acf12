import InternetAddress
import StackModel

/// Makes the model out of a normal document, and checks what only the whole shows.
struct StackDecoder {
  let report: Report

  func decode(_ document: Node, directory: String) -> Stack {
    var stack = Stack(name: document["name"]?.text ?? "", directory: directory)
    let networks = NetworkDecoder(report: report)
    stack.networks = (document["networks"]?.members ?? []).map { networks.network($0) }
    stack.volumes = (document["volumes"]?.members ?? []).map(volume)
    // A service that is no mapping is there for those that name it, but has nothing to decode.
    let services = (document["services"]?.members ?? []).filter { !$0.value.isNull }.map { member in
      var decoder = ServiceDecoder(member, directory: directory, report: report)
      decoder.decode()
      return DecodedService(service: decoder.service, member: member, portMarks: decoder.portMarks)
    }
    stack.services = services.map(\.service)
    References(document: document, report: report).check()
    DependencyCycles(services: services, report: report).check()
    PortConflicts(services: services, report: report).check()
    AddressChecks(networks: stack.networks, document: document, services: services, report: report).check()
    ContainerNames(services: services, report: report).check()
    return stack
  }

  private func volume(_ member: Node.Member) -> Volume {
    let node = member.value
    let path = "volumes.\(member.key)"
    var volume = Volume(key: member.key, name: node["name"]?.text ?? member.key)
    volume.isExternal = node["external"] != nil
    volume.labels = Self.labels(node["labels"])
    if let driver = node["driver"], let name = driver.text, name != "local", !name.isEmpty {
      report.error(
        driver.mark, path + ".driver", "there is no volume driver \"\(name)\"", hint: "remove driver:, or write local")
    }
    Self.checkExternal(member, path, report)
    return volume
  }

  static func labels(_ node: Node?) -> [String: String] {
    Dictionary((node?.members ?? []).map { ($0.key, $0.value.text ?? "") }, uniquingKeysWith: { _, last in last })
  }

  /// What exists already cannot be described here.
  static func checkExternal(_ member: Node.Member, _ path: String, _ report: Report) {
    guard member.value["external"] != nil else { return }
    for other in member.value.members where other.key != "external" && other.key != "name" && !other.key.hasPrefix("x-")
    {
      report.error(
        other.mark, "\(path).\(other.key)", "\(other.key): has no meaning beside external: true",
        hint: "remove one of the two")
    }
  }
}

/// A service beside the node that it was made from, for checks between services.
struct DecodedService {
  var service: Service
  var member: Node.Member
  /// Of each of the service's ports.
  var portMarks: [Mark]
}
