import InternetAddress
import StackModel

extension ServiceDecoder {
  mutating func decodeNetwork() {
    decodeMode()
    for (index, item) in (node["ports"]?.items ?? []).enumerated() { decodePort(item, path("ports[\(index)]")) }
    checkPortsAgainstMode()
    decodeExposed()
    for item in node["extra_hosts"]?.items ?? [] { decodeHost(item) }
    for item in node["dns"]?.items ?? [] {
      guard let text = item.text else { continue }
      service.dns.append(text)
      if !Self.isAddress(text) {
        report.refusal(
          item.mark, path("dns"), "\"\(text)\" is not the address of a name server", hint: "for example 9.9.9.9")
      }
    }
  }

  private mutating func decodeMode() {
    guard let mode = node["network_mode"], let text = mode.text else {
      var attachments = (node["networks"]?.members ?? []).map(attachment)
      if let address = hardwareAddress(node["mac_address"], path("mac_address")), !attachments.isEmpty {
        attachments[0].hardwareAddress = attachments[0].hardwareAddress ?? address
      }
      service.networkMode = .networks(attachments)
      return
    }
    if let networks = node.member("networks") {
      report.error(
        networks.mark, path("networks"), "network_mode: and networks: exclude each other", hint: "keep one of the two")
    }
    switch text {
    case "none": service.networkMode = .none
    case "host": service.networkMode = .host
    case "bridge", "default": service.networkMode = .networks([NetworkAttachment(network: "default")])
    default:
      if text.hasPrefix("service:") {
        service.networkMode = .service(String(text.dropFirst(8)))
      } else if text.hasPrefix("container:") {
        report.refusal(
          mode.mark, path("network_mode"), "container: is not supported yet",
          hint: "use service:NAME for a service of this file")
      } else {
        report.refusal(
          mode.mark, path("network_mode"), "there is no network mode \"\(text)\"",
          hint: report.suggestion(for: text, among: ["none", "host", "bridge"])
            ?? "none, host, bridge, or service:NAME; a network of the stack is named below networks:")
      }
    }
  }

  private func attachment(_ member: Node.Member) -> NetworkAttachment {
    var attachment = NetworkAttachment(network: member.key)
    attachment.aliases = (member.value["aliases"]?.items ?? []).compactMap(\.text)
    if let address = member.value["ipv4_address"], let text = address.text {
      attachment.address = IPv4Address(text)
      if attachment.address == nil {
        report.refusal(
          address.mark, path("networks.\(member.key).ipv4_address"), "\"\(text)\" is not an IPv4 address",
          hint: "for example 10.5.0.10")
      }
    }
    let path = path("networks.\(member.key)")
    attachment.hardwareAddress = hardwareAddress(member.value["mac_address"], path + ".mac_address")
    attachment.interfaceName = interfaceName(member.value["interface_name"], path + ".interface_name")
    attachment.gatewayPriority = member.value["gw_priority"]?.text.flatMap { Int($0) }
    return attachment
  }

  private func hardwareAddress(_ node: Node?, _ path: String) -> String? {
    guard let node, let text = node.text, !text.isEmpty else { return nil }
    let octets = text.split(separator: ":", omittingEmptySubsequences: false).map { part in
      part.utf8.count == 2 ? UInt8(part, radix: 16) : nil
    }
    guard octets.count == 6, let first = octets[0], octets.allSatisfy({ $0 != nil }) else {
      report.refusal(
        node.mark, path, "\"\(text)\" is not a hardware address", hint: "six octets, for example 02:42:ac:11:00:02")
      return nil
    }
    if first & 1 == 1 {
      report.refusal(node.mark, path, "\(text) is an address of a group", hint: "the first octet must be even")
    }
    return text
  }

  /// The limit is the kernel's (IFNAMSIZ), and so are the characters (dev_valid_name).
  private func interfaceName(_ node: Node?, _ path: String) -> String? {
    guard let node, let text = node.text, !text.isEmpty else { return nil }
    let isValid =
      text.utf8.count <= 15 && text != "." && text != ".." && text != "lo"
      && !text.utf8.contains { $0 <= UInt8(ascii: " ") || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") }
    if !isValid {
      report.refusal(node.mark, path, "\"\(text)\" is not the name of an interface", hint: "at most 15 characters")
    }
    return text
  }

  // MARK: Ports

  private mutating func decodePort(_ item: Node, _ path: String) {
    guard let target = item["target"]?.text.flatMap({ UInt16($0) }) else { return }
    if target == 0 { report.refusal(item.mark, path, "a port of a container is 1 to 65535, not 0") }
    let transportText = item["protocol"]?.text ?? "tcp"
    guard let transport = PortMapping.TransportProtocol(rawValue: transportText) else {
      report.refusal(
        item.mark, path, "there is no protocol \"\(transportText)\" for ports",
        hint: report.suggestion(for: transportText, among: ["tcp", "udp"]) ?? "tcp or udp")
      return
    }
    var port = PortMapping(containerPort: target, transport: transport)
    if let address = item["host_ip"], let text = address.text, !text.isEmpty {
      guard let parsed = IPv4Address(text) else {
        refuse(address: text, item, path)
        return
      }
      // 0.0.0.0 is all addresses, which is what no address means.
      port.hostAddress = parsed.value == 0 ? nil : parsed
    }
    // Best effort: a range that is wrong was reported when the long form was made.
    if let published = item["published"]?.text,
      let range = try? PortSyntax.range(published[...], "host port", in: published)
    {
      port.hostPort = range.lowerBound == 0 ? nil : range.lowerBound
      if range.count > 1 { port.lastHostPort = range.upperBound }
    }
    // Two ways of writing the same port, which is published once.
    guard port.hostPort == nil || knownPorts.insert(port).inserted else { return }
    service.ports.append(port)
    portMarks.append(item.mark)
  }

  private func refuse(address text: String, _ item: Node, _ path: String) {
    if Self.isAddress(text) {
      report.refusal(
        item.mark, path, "publishing on the IPv6 address \(text) is not supported yet",
        hint: "leave the address out, or give an IPv4 address")
    } else {
      report.error(item.mark, path, "\"\(text)\" is not an IPv4 address", hint: PortSyntax.form)
    }
  }

  private mutating func checkPortsAgainstMode() {
    guard let ports = node.member("ports"), !service.ports.isEmpty else { return }
    switch service.networkMode {
    case .networks: return
    case .service(let name):
      report.refusal(
        ports.mark, path("ports"), "a service that shares the network of \"\(name)\" cannot publish ports itself",
        hint: "publish them at the service \"\(name)\"")
    case .host:
      report.warning(
        ports.mark, path("ports"), "ports have no effect with network_mode: host",
        hint: "the service listens on the machine's addresses itself; remove ports:")
    case .none:
      report.warning(ports.mark, path("ports"), "ports have no effect with network_mode: none", hint: "remove ports:")
    }
    service.ports = []
    portMarks = []
  }

  private mutating func decodeExposed() {
    var exposed: Set<ExposedPort> = []
    for (index, item) in (node["expose"]?.items ?? []).enumerated() {
      guard let text = item.text else { continue }
      guard let ports = try? PortSyntax(text), ports.published == nil,
        let transport = PortMapping.TransportProtocol(rawValue: ports.transport)
      else {
        report.refusal(
          item.mark, path("expose[\(index)]"), "\"\(text)\" is not a port",
          hint: "the form is PORT[-END][/PROTOCOL], for example 80 or 8000-8010/udp")
        continue
      }
      exposed.formUnion(ports.target.map { ExposedPort(port: $0, transport: transport) })
    }
    if !exposed.isEmpty { service.exposedPorts = exposed.sorted() }
  }

  // MARK: Names and addresses

  private mutating func decodeHost(_ item: Node) {
    guard let text = item.text else { return }
    let (name, address) = Canonicalizer.split(text, at: UInt8(ascii: "="))
    let value = address ?? ""
    service.extraHosts.append(ExtraHost(name: name, address: value))
    if value != "host-gateway", !Self.isAddress(value) {
      report.refusal(
        item.mark, path("extra_hosts"), "\"\(value)\" is neither an address nor host-gateway",
        hint: "the form is HOST=ADDRESS, for example db.example=10.0.0.5")
    }
    if name.utf8.contains(where: { $0 <= UInt8(ascii: " ") || $0 == UInt8(ascii: ":") }) {
      report.refusal(item.mark, path("extra_hosts"), "\"\(name)\" is not a host name")
    }
  }

  /// IPv4, or what looks like IPv6 (RFC 4291, section 2.2), with a zone or without.
  static func isAddress(_ text: String) -> Bool {
    if IPv4Address(text) != nil { return true }
    let address = text.prefix { $0 != "%" }
    let groups = address.split(separator: ":", omittingEmptySubsequences: false)
    guard groups.count >= 3, groups.count <= 9 else { return false }
    let isShortened = address.contains("::")
    guard isShortened || groups.count == 8 || (groups.count == 7 && IPv4Address(groups[6]) != nil) else { return false }
    return groups.enumerated().allSatisfy { index, group in
      if group.isEmpty { return isShortened }
      if index == groups.count - 1, IPv4Address(group) != nil { return true }
      return group.utf8.count <= 4 && UInt16(group, radix: 16) != nil
    }
  }
}
