import InternetAddress
import LinuxNetlink
import StackModel
import StackPlan
import StackStore

/// Networks that a stack file declares `external`: those of other stacks, and bridges that somebody made on the machine.
struct ExternalNetworks {
  /// A network that was found.
  struct Found {
    let record: NetworkRecord
    /// Addresses on it that somebody has.
    let used: Set<IPv4Address>
  }

  let paths: StatePaths
  let kernel: KernelNetworks
  /// The stack that asks.
  let project: String

  /// - Returns: by key, the networks that there are.
  func find(_ wanted: [Network]) throws -> [String: Found] {
    if wanted.isEmpty { return [:] }
    var found: [String: Found] = [:]
    let others = try paths.projects().filter { $0 != project }
    for network in wanted {
      var record: NetworkRecord?
      for other in others where record == nil {
        let own = try paths.project(other).readableNetworks().first { $0.name == network.name && !$0.isExternal }
        // What is written down may be gone, after a machine was switched off.
        if let own, kernel.links[own.bridge] != nil { record = own }
      }
      if record == nil, let link = kernel.links[network.name], link.kind == "bridge",
        let (subnet, gateway) = kernel.network(of: link)
      {
        record = NetworkRecord(
          key: network.key, name: network.name, bridge: link.name, subnet: subnet, gateway: gateway,
          isInternal: false, mtu: Int(link.mtu))
      }
      guard var record else { continue }
      record.key = network.key
      record.isExternal = true
      found[network.key] = Found(record: record, used: try used(on: record.bridge, others))
    }
    return found
  }

  private func used(on bridge: String, _ projects: [String]) throws -> Set<IPv4Address> {
    var used: Set<IPv4Address> = []
    for other in projects {
      let directory = paths.project(other)
      let keys = Set(try directory.readableNetworks().filter { $0.bridge == bridge }.map(\.key))
      if keys.isEmpty { continue }
      for record in try directory.statuses(damageIsLoss: true).compactMap(\.record) {
        used.formUnion(record.attachments.filter { keys.contains($0.network) }.map(\.address))
      }
    }
    return used
  }
}
