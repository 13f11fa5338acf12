import InternetAddress
import LinuxNetlink
import StackModel
import StackPlan
import StackStore

/// The networks of a stack, as they are planned: what there is, and where there is room.
extension UpPlanner {
  /// The networks that there are, as they were made: by their record, and where that was lost by what the kernel has.
  func networksBefore(_ directory: ProjectDirectory, _ kernel: KernelNetworks) throws -> [NetworkRecord] {
    let recorded = try directory.readableNetworks()
    let known = Set(recorded.map(\.key))
    return recorded
      + stack.networks.compactMap { network in
        let bridge = KernelNames.bridge(project: stack.name, network: network.name)
        guard !network.isExternal, !known.contains(network.key), let link = kernel.links[bridge],
          link.kind == "bridge", let (subnet, gateway) = kernel.network(of: link)
        else { return nil }
        return NetworkRecord(
          key: network.key, name: network.name, bridge: bridge, subnet: subnet, gateway: gateway,
          isInternal: network.isInternal, mtu: network.mtu.map { _ in Int(link.mtu) })
      }
  }

  /// The external networks that are needed.
  func findExternal(
    _ wanted: [Service], _ kernel: KernelNetworks
  ) throws(EngineError) -> [String: ExternalNetworks.Found] {
    let networks = stack.networks.filter { $0.isExternal && usedNetworks(of: wanted).contains($0.key) }
    if networks.isEmpty { return [:] }
    return try engineStep {
      try ExternalNetworks(paths: engine.paths, kernel: kernel, project: stack.name).find(networks)
    }
  }

  private func usedNetworks(of services: [Service]) -> Set<String> {
    Set(
      services.flatMap { service -> [String] in
        if case .networks(let attachments) = service.networkMode { attachments.map(\.network) } else { [] }
      })
  }

  func planAddresses(
    _ existing: [NetworkRecord], records: [ContainerRecord], wanted: [Service],
    _ external: [String: ExternalNetworks.Found], _ kernel: KernelNetworks
  ) throws(EngineError) -> AddressPlan {
    try engineStep {
      let existing = existing.filter { !$0.isExternal }
      let ownIndexes = Set(existing.compactMap { kernel.links[$0.bridge]?.index })
      let occupied = kernel.routes.filter { !ownIndexes.contains($0.interface ?? 0) }.map(\.destination)
      var previous = AddressPlan()
      for network in existing {
        previous.networks[network.key] = .init(subnet: network.subnet, gateway: network.gateway)
      }
      let names = Set(stack.services.map(\.name))
      var taken: [String: Set<IPv4Address>] = [:]
      for record in records {
        let isPlanned = !record.isMadeByRun && names.contains(record.instanceName)
        for attachment in record.attachments {
          if isPlanned {
            previous.services[record.instanceName, default: [:]][attachment.network] = attachment.address
          } else {
            taken[attachment.network, default: []].insert(attachment.address)
          }
        }
      }
      // What nobody asks for need not exist.
      let used = usedNetworks(of: wanted)
      var relevant = stack
      relevant.networks.removeAll { $0.isExternal && !used.contains($0.key) }
      let others = external.mapValues {
        ExternalNetwork(.init(subnet: $0.record.subnet, gateway: $0.record.gateway), used: $0.used)
      }
      return try AddressPlan(
        relevant, occupied: occupied + otherStacks(), external: others, taken: taken, previous: previous)
    }
  }

  /// The subnets of all other stacks, also of those whose bridges another network namespace has.
  private func otherStacks() throws -> [IPv4Subnet] {
    try engine.paths.projects().filter { $0 != stack.name }
      .flatMap { try engine.paths.project($0).readableNetworks().filter { !$0.isExternal }.map(\.subnet) }
  }

  func records(of addresses: AddressPlan) -> [NetworkRecord] {
    stack.networks.compactMap { network in
      guard !network.isExternal, let place = addresses.networks[network.key] else { return nil }
      return NetworkRecord(
        key: network.key, name: network.name,
        bridge: KernelNames.bridge(project: stack.name, network: network.name), subnet: place.subnet,
        gateway: place.gateway, isInternal: network.isInternal, mtu: network.mtu)
    }
  }
}
