import InternetAddress
import StackModel

/// Makes the model out of a normal document, and checks what only the whole shows.
struct StackDecoder {
  let report: Report

  /// - Parameter disabled: services that are in the files, but not part of the stack.
  func decode(_ document: Node, directory: String, disabled: Set<String>) -> Stack {
    var stack = Stack(name: document["name"]?.text ?? "", directory: directory)
    let networks = NetworkDecoder(report: report)
    stack.networks = (document["networks"]?.members ?? []).map { networks.network($0) }
    stack.volumes = (document["volumes"]?.members ?? []).map(volume)
    var objects: [String: [String: Node]] = [:]
    for section in ["secrets", "configs"] {
      let members = document[section]?.members ?? []
      objects[section] = Dictionary(members.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
    // A service that is no mapping is there for those that name it, but has nothing to decode.
    let services = (document["services"]?.members ?? []).filter { !$0.value.isNull }.map { member in
      var decoder = ServiceDecoder(member, objects: objects, directory: directory, report: report)
      decoder.decode()
      return DecodedService(service: decoder.service, member: member, portMarks: decoder.portMarks)
    }
    ServiceLinks(report: report).apply(to: services)
    stack.services = services.map(\.service)
    addDefaultNetwork(to: &stack)
    References(document: document, disabled: disabled, report: report).check()
    DependencyCycles(services: services, report: report).check()
    PortConflicts(services: services, report: report).check()
    AddressChecks(networks: stack.networks, document: document, services: services, report: report).check()
    ContainerNames(services: services, report: report).check()
    return stack
  }

  /// `network_mode: bridge` stands for the default network, and then nothing in the file may name that.
  private func addDefaultNetwork(to stack: inout Stack) {
    let isUsed = stack.services.contains { service in
      if case .networks(let attachments) = service.networkMode {
        attachments.contains { $0.network == "default" }
      } else {
        false
      }
    }
    if isUsed, !stack.networks.contains(where: { $0.key == "default" }) {
      stack.networks.append(Network(key: "default", name: "\(stack.name)_default"))
    }
  }

  private func volume(_ member: Node.Member) -> Volume {
    let node = member.value
    let path = "volumes.\(member.key)"
    var volume = Volume(key: member.key, name: node["name"]?.text ?? member.key)
    volume.isExternal = node["external"]?.text == "true"
    volume.labels = Self.labels(node["labels"])
    if let driver = node["driver"], let name = driver.text, name != "local", !name.isEmpty {
      report.refusal(
        driver.mark, path + ".driver", "there is no volume driver \"\(name)\"", hint: "remove driver:, or write local")
    }
    if let options = node["driver_opts"], !options.members.isEmpty {
      volume.directory = directory(of: options, path + ".driver_opts")
    }
    if volume.isExternal { Self.checkExternal(member, path, report.error) }
    return volume
  }

  /// What mount(8) would bind: of all that the local driver of docker mounts, what needs no other machine.
  private func directory(of options: Node, _ path: String) -> String? {
    let isDirectory =
      ["none", "bind", ""].contains(options["type"]?.text ?? "")
      && ["bind", "rbind"].contains(options["o"]?.text ?? "")
    guard isDirectory, let device = options["device"], let directory = device.text else {
      report.inert(
        kind: "volume.driver_opts", options.mark, path,
        "of driver_opts, only type: none with o: bind and device: is acted on yet: this volume is a directory of the store"
      )
      return nil
    }
    if !FilePath.isAbsolute(directory) {
      report.refusal(
        device.mark, path + ".device", "device \"\(directory)\" must be an absolute path",
        hint: "with driver: local it starts at the directory of the file")
    }
    return directory
  }

  static func labels(_ node: Node?) -> [String: String] {
    Dictionary((node?.members ?? []).map { ($0.key, $0.value.text ?? "") }, uniquingKeysWith: { _, last in last })
  }

  /// What exists already cannot be described here.
  static func checkExternal(
    _ member: Node.Member, _ path: String, _ say: (Mark, String?, String, String?) -> Void
  ) {
    for other in member.value.members where other.key != "external" && other.key != "name" && !other.key.hasPrefix("x-")
    {
      say(
        other.mark, "\(path).\(other.key)", "\(other.key): has no meaning beside external: true",
        "remove one of the two")
    }
  }
}

/// A service beside the node that it was made from, for checks between services. A class: a service is large, and each
/// check goes over all of them.
final class DecodedService {
  var service: Service
  let member: Node.Member
  /// Of each of the service's ports.
  let portMarks: [Mark]

  init(service: Service, member: Node.Member, portMarks: [Mark]) {
    self.service = service
    self.member = member
    self.portMarks = portMarks
  }
}
