import InternetAddress
import StackModel

/// The subnet of each network of a stack, and the address of each service on it.
///
/// Deterministic: the same stack on the same machine gets the same addresses, and those of an earlier plan are kept as long as
/// they are valid. Kept with the state of a stack.
package struct AddressPlan: Sendable, Hashable, Codable {
  package struct NetworkAddresses: Sendable, Hashable, Codable {
    package var subnet: IPv4Subnet
    /// The address of the bridge, and the default route of the containers.
    package var gateway: IPv4Address

    package init(subnet: IPv4Subnet, gateway: IPv4Address) {
      self.subnet = subnet
      self.gateway = gateway
    }
  }

  /// By key; networks of services that share another's network namespace, or have none, do not count.
  package var networks: [String: NetworkAddresses] = [:]
  /// By the name of the service, then by the key of the network.
  package var services: [String: [String: IPv4Address]] = [:]

  package init() {}

  package func address(of service: String, on network: String) -> IPv4Address? { services[service]?[network] }
}

/// A network that exists outside the stack, and what is taken on it.
package struct ExternalNetwork: Sendable, Hashable {
  package var addresses: AddressPlan.NetworkAddresses
  package var used: Set<IPv4Address>

  package init(_ addresses: AddressPlan.NetworkAddresses, used: Set<IPv4Address>) {
    self.addresses = addresses
    self.used = used
  }
}

/// Why a stack cannot have its addresses.
package struct AddressProblem: Sendable, Hashable, CustomStringConvertible {
  package enum Kind: Sendable, Hashable {
    case missingExternalNetwork(name: String)
    case subnetInUse(IPv4Subnet, by: IPv4Subnet)
    case sameSubnet(IPv4Subnet, asNetwork: String)
    case gatewayNotUsable(IPv4Address, IPv4Subnet)
    case noFreeSubnet
    /// So many endpoints do not fit into a subnet, or the range of it that may be chosen from.
    case subnetTooSmall(IPv4Subnet, endpoints: Int)
    case addressNotUsable(IPv4Address, IPv4Subnet, service: String)
    case sameAddress(IPv4Address, service: String, asService: String)
  }

  /// The key of the network.
  package let network: String
  package let kind: Kind

  package var description: String {
    let what =
      switch kind {
      case .missingExternalNetwork(let name): "network \(name) declared as external, but could not be found"
      case .subnetInUse(let subnet, let other):
        "its subnet \(subnet) overlaps \(other), which this machine uses already"
      case .sameSubnet(let subnet, let other): "its subnet \(subnet) overlaps that of network \(other)"
      case .gatewayNotUsable(let gateway, let subnet): "its gateway \(gateway) is not a host address of \(subnet)"
      case .noFreeSubnet: "no free subnet is left in \(SubnetPool.pool)"
      case .subnetTooSmall(let subnet, let endpoints): "\(subnet) has no room for \(endpoints) services"
      case .addressNotUsable(let address, let subnet, let service):
        "the address \(address) of service \(service) is not a free host address of \(subnet)"
      case .sameAddress(let address, let service, let other):
        "services \(other) and \(service) have the same address \(address)"
      }
    return "network \(network): \(what)"
  }
}

package struct AddressError: Error, Sendable, Hashable, CustomStringConvertible {
  /// All of them, in the order of the networks.
  package let problems: [AddressProblem]

  package var description: String { problems.map(\.description).joined(separator: "\n") }
}

extension AddressPlan {
  /// Plans the addresses of a stack.
  /// - Parameters:
  ///   - occupied: subnets that this machine has addresses in or routes to, those of this stack's own networks left out.
  ///   - external: the networks declared `external`, by key.
  ///   - taken: addresses of containers that are not in the stack and run, by the key of the network.
  ///   - previous: the plan that is in force; what is still valid of it is kept.
  package init(
    _ stack: Stack, occupied: [IPv4Subnet] = [], external: [String: ExternalNetwork] = [:],
    taken: [String: Set<IPv4Address>] = [:], previous: AddressPlan? = nil
  ) throws(AddressError) {
    let members = Self.members(of: stack)
    var pool = SubnetPool(occupied: occupied)
    var problems: [AddressProblem] = []
    for network in stack.networks where !network.isExternal {
      guard let subnet = network.subnet else { continue }
      if let problem = pool.reserve(subnet, for: network.key) { problems.append(problem) }
      let gateway = network.gateway ?? subnet.firstHost
      if subnet.isHost(gateway) {
        networks[network.key] = NetworkAddresses(subnet: subnet, gateway: gateway)
      } else {
        problems.append(AddressProblem(network: network.key, kind: .gatewayNotUsable(gateway, subnet)))
      }
    }
    let free = stack.networks.filter { !$0.isExternal && $0.subnet == nil }
    for network in free {
      guard let kept = previous?.networks[network.key], kept.subnet.isHost(kept.gateway),
        kept.subnet.hostCount > members[network.key, default: []].count,
        pool.reserve(kept.subnet, for: network.key) == nil
      else { continue }
      networks[network.key] = kept
    }
    for network in free where networks[network.key] == nil {
      let endpoints = members[network.key, default: []].count
      if let subnet = pool.choose(for: network, endpoints: endpoints) {
        networks[network.key] = NetworkAddresses(subnet: subnet, gateway: subnet.firstHost)
      } else {
        problems.append(AddressProblem(network: network.key, kind: .noFreeSubnet))
      }
    }
    for network in stack.networks {
      if network.isExternal {
        guard let found = external[network.key] else {
          problems.append(AddressProblem(network: network.key, kind: .missingExternalNetwork(name: network.name)))
          continue
        }
        networks[network.key] = found.addresses
      }
      guard let addresses = networks[network.key] else { continue }
      var hosts = HostAddresses(
        network: network.key, addresses, range: network.range,
        used: (external[network.key]?.used ?? []).union(taken[network.key] ?? []).union(network.reserved ?? []))
      for (service, address) in hosts.assign(members[network.key, default: []], keeping: previous) {
        services[service, default: [:]][network.key] = address
      }
      problems.append(contentsOf: hosts.problems)
    }
    if !problems.isEmpty { throw AddressError(problems: problems) }
  }

  /// For each network the services on it, in the order of the file, with the addresses they ask for.
  private static func members(of stack: Stack) -> [String: [(service: String, fixed: IPv4Address?)]] {
    var members: [String: [(service: String, fixed: IPv4Address?)]] = [:]
    for service in stack.services {
      guard case .networks(let attachments) = service.networkMode else { continue }
      for attachment in attachments {
        members[attachment.network, default: []].append((service.name, attachment.address))
      }
    }
    return members
  }
}
