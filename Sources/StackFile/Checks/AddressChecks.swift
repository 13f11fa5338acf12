import InternetAddress
import StackModel

/// Fixed addresses and subnets must fit together.
struct AddressChecks {
  let networks: [Network]
  let document: Node
  let services: [DecodedService]
  let report: Report

  func check() {
    checkSubnets()
    var taken: [String: [IPv4Address: String]] = [:]
    let byKey = Dictionary(networks.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    for decoded in services {
      guard case .networks(let attachments) = decoded.service.networkMode else { continue }
      // With network_mode: bridge there is an attachment without a member; it has no fixed address.
      for (attachment, member) in zip(attachments, decoded.member.value["networks"]?.members ?? []) {
        guard let address = attachment.address, let network = byKey[attachment.network] else { continue }
        let mark = member.value["ipv4_address"]?.mark ?? decoded.member.mark
        let path = "services.\(decoded.service.name).networks.\(attachment.network).ipv4_address"
        check(address, in: network, mark, path)
        if let other = taken[network.key]?[address] {
          report.refusal(mark, path, "\(address) is already the address of the service \"\(other)\"")
        }
        taken[network.key, default: [:]][address] = decoded.service.name
      }
    }
  }

  private func check(_ address: IPv4Address, in network: Network, _ mark: Mark, _ path: String) {
    if network.isExternal { return }
    guard let subnet = network.subnet else {
      report.refusal(
        mark, path, "a fixed address needs a subnet of the network \"\(network.key)\"",
        hint: "at the top level: networks: {\(network.key): {ipam: {config: [{subnet: 10.5.0.0/24}]}}}")
      return
    }
    let gateway = network.gateway ?? IPv4Address(value: subnet.base.value + 1)
    if !subnet.contains(address) {
      report.refusal(mark, path, "\(address) is not in \(subnet), the subnet of the network \"\(network.key)\"")
    } else if address == gateway {
      report.refusal(mark, path, "\(address) is the gateway of the network \"\(network.key)\"")
    } else if network.reserved?.contains(address) == true {
      report.refusal(mark, path, "\(address) is kept for others by aux_addresses of the network \"\(network.key)\"")
    } else if address == subnet.base || address == subnet.broadcast {
      report.refusal(mark, path, "\(address) is not a host address of \(subnet)")
    }
  }

  /// Networks are disjoint or one in the other: sorted by their addresses, one that overlaps any overlaps the widest so far.
  private func checkSubnets() {
    let sorted = networks.filter { $0.subnet != nil }.enumerated().sorted { left, right in
      (left.element.subnet?.base ?? zero, left.offset) < (right.element.subnet?.base ?? zero, right.offset)
    }
    var widest: (network: Network, offset: Int)?
    for (offset, network) in sorted {
      guard let subnet = network.subnet else { continue }
      if let other = widest, let otherSubnet = other.network.subnet, otherSubnet.overlaps(subnet) {
        let (later, earlier) = offset > other.offset ? (network, other.network) : (other.network, network)
        overlap(later, earlier)
        if otherSubnet.broadcast >= subnet.broadcast { continue }
      }
      widest = (network, offset)
    }
  }

  private var zero: IPv4Address { IPv4Address(value: 0) }

  private func overlap(_ network: Network, _ other: Network) {
    guard !report.isFull, let subnet = network.subnet, let otherSubnet = other.subnet else { return }
    let node = document["networks"]?[network.key]?["ipam"]?["config"]?.items.first?["subnet"]
    report.refusal(
      node?.mark ?? document.mark, "networks.\(network.key).ipam.config[0].subnet",
      "\(subnet) overlaps \(otherSubnet), the subnet of the network \"\(other.key)\"")
  }
}
