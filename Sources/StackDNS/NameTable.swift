import InternetAddress

/// The names of a stack, and who may know them: an answer depends on who asks.
///
/// A container sees the names of those with which it shares a network. What does not run has no address.
package struct NameTable: Sendable {
  /// A running container's place in a network.
  package struct Endpoint: Hashable, Sendable {
    package var container: String
    package var network: String
    package var address: IPv4Address
    /// Its container's name first: what a reverse lookup finds.
    package var names: [String]

    package init(container: String, network: String, address: IPv4Address, names: [String]) {
      self.container = container
      self.network = network
      self.address = address
      self.names = names
    }
  }

  package struct Network: Hashable, Sendable {
    package var key: String
    /// Also a suffix of the names in it.
    package var name: String
    package var subnet: IPv4Subnet
    package var isInternal: Bool

    package init(key: String, name: String, subnet: IPv4Subnet, isInternal: Bool) {
      self.key = key
      self.name = name
      self.subnet = subnet
      self.isInternal = isInternal
    }
  }

  /// What to do about a question.
  package enum Reply: Hashable, Sendable {
    case answer(DNSAnswer)
    /// It is not about this stack: to be asked elsewhere.
    case forward
  }

  private let networks: [Network]
  private let endpoints: [String: [Endpoint]]
  private let containers: [IPv4Address: String]
  private let networksOf: [String: Set<String>]
  /// Also of what does not run: these are never asked elsewhere.
  private let knownNames: Set<String>
  private let byAddress: [IPv4Address: Endpoint]

  /// - Parameter knownNames: the names of all services, running or not.
  package init(networks: [Network], endpoints: [Endpoint], knownNames: Set<String> = []) {
    self.networks = networks
    var byName: [String: [Endpoint]] = [:]
    var networksOf: [String: Set<String>] = [:]
    for endpoint in endpoints {
      networksOf[endpoint.container, default: []].insert(endpoint.network)
      for name in Set(endpoint.names.map { $0.lowercased() }) { byName[name, default: []].append(endpoint) }
    }
    self.endpoints = byName
    self.networksOf = networksOf
    containers = Dictionary(endpoints.map { ($0.address, $0.container) }, uniquingKeysWith: { first, _ in first })
    byAddress = Dictionary(endpoints.map { ($0.address, $0) }, uniquingKeysWith: { first, _ in first })
    self.knownNames = Set(knownNames.map { $0.lowercased() }).union(byName.keys)
  }

  /// - Parameters:
  ///   - asker: the address that the question came from.
  ///   - rotation: which of several addresses comes first, so that not all go to the same.
  package func reply(to query: DNSQuery, from asker: IPv4Address, rotation: Int = 0) -> Reply {
    guard query.isInternet else { return .forward }
    let visible = visibleNetworks(for: asker)
    if let address = query.name.reverseAddress.map(IPv4Address.init(value:)),
      let network = networks.first(where: { $0.subnet.contains(address) })
    {
      return .answer(reverse(query, address, network, isVisible: visible.contains(network.key)))
    }
    let text = query.name.description
    let (name, only) = split(text)
    guard knownNames.contains(name) else { return isConfined(visible) ? .answer(.noSuchName) : .forward }
    let found = (endpoints[name] ?? []).filter { visible.contains($0.network) && (only == nil || only == $0.network) }
    if found.isEmpty {
      // A name of this stack that the asker does not share a network with is no name for it.
      return .answer(.noSuchName)
    }
    guard query.type == DNSType.a || query.type == DNSType.any else { return .answer(.noData) }
    let addresses = found.map(\.address.value)
    let start = rotation % addresses.count
    return .answer(.addresses(Array(addresses[start...] + addresses[..<start])))
  }

  /// `db`, or `db.NETWORK` with the network's key.
  private func split(_ text: String) -> (name: String, network: String?) {
    if knownNames.contains(text) { return (text, nil) }
    for network in networks where text.hasSuffix("." + network.name.lowercased()) {
      return (String(text.dropLast(network.name.count + 1)), network.key)
    }
    return (text, nil)
  }

  private func reverse(
    _ query: DNSQuery, _ address: IPv4Address, _ network: Network, isVisible: Bool
  ) -> DNSAnswer {
    guard isVisible, let endpoint = byAddress[address], let name = endpoint.names.first else { return .noSuchName }
    guard query.type == DNSType.ptr || query.type == DNSType.any else { return .noData }
    return .names([DNSName("\(name).\(network.name)")])
  }

  /// The networks of the container that asks; of the machine itself, that which it asks on.
  private func visibleNetworks(for asker: IPv4Address) -> Set<String> {
    if let container = containers[asker] { return networksOf[container] ?? [] }
    return Set(networks.filter { $0.subnet.contains(asker) }.map(\.key))
  }

  /// Whether who asks is only on networks that have no way out.
  private func isConfined(_ visible: Set<String>) -> Bool {
    !visible.isEmpty && networks.allSatisfy { !visible.contains($0.key) || $0.isInternal }
  }
}
