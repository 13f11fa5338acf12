import InternetAddress
import StackModel

struct NetworkDecoder {
  let report: Report

  private static let mtuOption = "com.docker.network.driver.mtu"

  func network(_ member: Node.Member) -> Network {
    let node = member.value
    let path = "networks.\(member.key)"
    var network = Network(key: member.key, name: node["name"]?.text ?? member.key)
    network.isInternal = node["internal"]?.text == "true"
    network.isExternal = node["external"]?.text == "true"
    network.labels = StackDecoder.labels(node["labels"])
    if let driver = node["driver"], let name = driver.text, name != "bridge", name != "default", !name.isEmpty {
      report.refusal(
        driver.mark, path + ".driver", "there is no network driver \"\(name)\"",
        hint: report.suggestion(for: name, among: ["bridge"]) ?? "remove driver:, or write bridge")
    }
    for option in node["driver_opts"]?.members ?? [] { take(option, into: &network, path) }
    takeAddresses(node["ipam"]?["config"], into: &network, path)
    if network.isExternal { StackDecoder.checkExternal(member, path, report.refusal) }
    return network
  }

  private func take(_ option: Node.Member, into network: inout Network, _ path: String) {
    guard option.key == Self.mtuOption else {
      report.inert(
        kind: "driver_opts.\(option.key)", option.mark, "\(path).driver_opts.\(option.key)",
        "\(option.key) is accepted, but not acted on yet",
        hint: report.suggestion(for: option.key, among: [Self.mtuOption]))
      return
    }
    // The kernel's limits of a bridge's MTU (68 is IPv4's least, RFC 791).
    guard let mtu = option.value.text.flatMap(Int.init), (68...65535).contains(mtu) else {
      report.refusal(
        option.value.mark, "\(path).driver_opts.\(option.key)", "the MTU must be a number from 68 to 65535")
      return
    }
    network.mtu = mtu
  }

  private func takeAddresses(_ config: Node?, into network: inout Network, _ path: String) {
    for (index, item) in (config?.items ?? []).enumerated() {
      let path = "\(path).ipam.config[\(index)]"
      guard let subnetNode = item["subnet"], let text = subnetNode.text else {
        for key in ["ip_range", "gateway", "aux_addresses"] {
          guard let part = item.member(key) else { continue }
          report.refusal(
            part.mark, "\(path).\(key)", "\(key) needs subnet:",
            hint: "it says something of the subnet that stands beside it")
        }
        continue
      }
      if text.utf8.contains(UInt8(ascii: ":")) {
        report.inert(
          kind: "ipam IPv6", subnetNode.mark, path + ".subnet", "IPv6 networks are accepted, but not acted on yet")
        continue
      }
      guard network.subnet == nil else {
        report.refusal(subnetNode.mark, path + ".subnet", "a network has one IPv4 subnet; this is the second")
        continue
      }
      guard let subnet = subnet(text, at: subnetNode.mark, path) else { continue }
      network.subnet = subnet
      if let range = item["ip_range"] { takeRange(range, of: subnet, into: &network, path) }
      for address in item["aux_addresses"]?.members ?? [] { reserve(address, of: subnet, in: &network, path) }
      if let gateway = item["gateway"] { takeGateway(gateway, of: subnet, into: &network, path) }
    }
  }

  private func subnet(_ text: String, at mark: Mark, _ path: String) -> IPv4Subnet? {
    guard let subnet = IPv4Subnet(text) else {
      let parts = text.split(separator: "/")
      var hint = "for example 10.5.0.0/24"
      if parts.count == 2, let base = IPv4Address(parts[0]), let length = Int(parts[1]),
        let meant = IPv4Subnet(base: base, prefixLength: length)
      {
        hint = "the network of this address is \(meant)"
      }
      report.refusal(mark, path + ".subnet", "\"\(text)\" is not an IPv4 network", hint: hint)
      return nil
    }
    guard subnet.prefixLength <= 30 else {
      report.refusal(
        mark, path + ".subnet", "\(subnet) has no room for a gateway and a service", hint: "a prefix of /30 or shorter")
      return nil
    }
    return subnet
  }

  private func takeRange(_ node: Node, of subnet: IPv4Subnet, into network: inout Network, _ path: String) {
    guard let text = node.text, let range = IPv4Subnet(text) else {
      report.refusal(
        node.mark, path + ".ip_range", "\"\(node.text ?? "")\" is not an IPv4 network", hint: "a part of \(subnet)")
      return
    }
    guard subnet.contains(range.base), range.prefixLength >= subnet.prefixLength else {
      report.refusal(node.mark, path + ".ip_range", "\(range) is not a part of \(subnet)")
      return
    }
    network.range = range
  }

  private func reserve(_ member: Node.Member, of subnet: IPv4Subnet, in network: inout Network, _ path: String) {
    let path = "\(path).aux_addresses.\(member.key)"
    guard let text = member.value.text, let address = IPv4Address(text) else {
      report.refusal(member.value.mark, path, "\"\(member.value.text ?? "")\" is not an IPv4 address")
      return
    }
    if !subnet.contains(address) { report.refusal(member.value.mark, path, "\(address) is not in \(subnet)") }
    network.reserved = (network.reserved ?? []) + [address]
  }

  private func takeGateway(_ node: Node, of subnet: IPv4Subnet, into network: inout Network, _ path: String) {
    guard let text = node.text, let gateway = IPv4Address(text) else {
      report.refusal(node.mark, path + ".gateway", "\"\(node.text ?? "")\" is not an IPv4 address")
      return
    }
    guard subnet.contains(gateway), gateway != subnet.base, gateway != subnet.broadcast else {
      report.refusal(node.mark, path + ".gateway", "the gateway \(gateway) is not a host address of \(subnet)")
      return
    }
    network.gateway = gateway
  }
}
