import InternetAddress
import LinuxFirewall
import LinuxNetlink
import StackModel
import StackPlan
import StackStore

/// The networks of an `up`: bridges, and the firewall's tables.
extension UpOperation {
  /// Makes the networks that there are not, and puts right what somebody has changed of those that there are.
  func makeNetworks() throws {
    if plan.networks.isEmpty && plan.services.allSatisfy({ $0.service.ports.isEmpty }) { return }
    made.networksBefore = plan.networksBefore
    // The intent before the deed: `down` finds what was about to be made.
    try directory.write(plan.networks)
    let route = try RouteSocket()
    var bridges: [String: Int32] = [:]
    for network in plan.networks {
      let link = plan.kernel.links[network.bridge]
      if network.isExternal {
        bridges[network.bridge] = link?.index
      } else if let link, link.kind == "bridge", plan.networksBefore.contains(network) {
        try restore(network, link, with: route)
        bridges[network.bridge] = link.index
      } else {
        bridges[network.bridge] = try make(network, insteadOf: link, with: route)
      }
    }
    try restoreInterfaces(on: bridges, with: route)
    try applyFirewall(networks: plan.networks) { ports[$0.name] ?? plan.publishedPorts[$0.name] ?? [] }
    let isNew = plan.networks.contains { network in
      !network.isInternal && !network.isExternal && !plan.networksBefore.contains(network)
    }
    if isNew { warnOfFirewall() }
  }

  /// - Returns: the interface index of the bridge.
  private func make(_ network: NetworkRecord, insteadOf link: Link?, with route: RouteSocket) throws -> Int32 {
    engine.report(.network, network.name, .creating)
    if let link { try route.deleteLink(named: link.name) }
    let index = try route.createBridge(
      BridgeSpecification(
        name: network.bridge, macAddress: MACAddress(of: network.gateway),
        mtu: network.mtu.map(UInt32.init(clamping:)), address: network.gateway,
        prefixLength: network.subnet.prefixLength,
        group: KernelNames.linkGroup(project: plan.stack.name)))
    engine.report(.network, network.name, .created)
    return index
  }

  func applyFirewall(networks: [NetworkRecord], ports: (Service) -> [ContainerRecord.PublishedPort]) throws {
    var published: [NetworkPolicy.PublishedPort] = []
    for service in plan.stack.services {
      guard let address = publishedAddress(of: service) else { continue }
      for port in ports(service) {
        published.append(
          NetworkPolicy.PublishedPort(
            hostAddress: port.hostAddress, hostPort: port.hostPort, transport: port.transport == .tcp ? .tcp : .udp,
            destination: address, destinationPort: port.containerPort))
      }
    }
    let own = networks.filter { !$0.isExternal }
    let bridges = own.map {
      NetworkPolicy.Bridge(name: $0.bridge, subnet: $0.subnet, gateway: $0.gateway, isInternal: $0.isInternal)
    }
    for network in own { try HostForwarding.prepare(bridge: network.bridge, isInternal: network.isInternal) }
    if own.contains(where: { !$0.isInternal }) { _ = try HostForwarding.enable() }
    var policy = NetworkPolicy(
      tableName: KernelNames.table(project: plan.stack.name), bridges: bridges, ports: published)
    try NetworkMembers(operation: self).describe(to: &policy)
    try FirewallSocket().apply(policy)
  }

  /// Where a service's published ports lead: its first address on a network that has a way in.
  private func publishedAddress(of service: Service) -> IPv4Address? {
    switch service.networkMode {
    case .none, .host: return nil
    case .service(let other):
      return plan.service(other).flatMap(publishedAddress)
    case .networks(let attachments):
      let usable = outward(attachments) ?? attachments.first
      return usable.flatMap { plan.addresses.address(of: service.name, on: $0.network) }
    }
  }

  /// The network with a way out that has the highest priority, the first of them; it also is the way in.
  func outward(_ attachments: [NetworkAttachment]) -> NetworkAttachment? {
    let ways = attachments.filter { attachment in
      !plan.networks.contains { $0.key == attachment.network && $0.isInternal }
    }
    let highest = ways.map { $0.gatewayPriority ?? 0 }.max()
    return ways.first { $0.gatewayPriority ?? 0 == highest }
  }
}
