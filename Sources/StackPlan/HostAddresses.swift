import InternetAddress

/// The addresses of one network, given out.
struct HostAddresses {
  private let network: String
  private let addresses: AddressPlan.NetworkAddresses
  /// Where addresses are chosen. Fixed ones may be anywhere in the subnet.
  private let range: IPv4Subnet
  private var used: Set<IPv4Address>
  private(set) var problems: [AddressProblem] = []

  /// - Parameters:
  ///   - range: a part of the subnet; nil is all of it.
  ///   - used: by others; the gateway need not be among them.
  init(
    network: String, _ addresses: AddressPlan.NetworkAddresses, range: IPv4Subnet? = nil, used: Set<IPv4Address>
  ) {
    self.network = network
    self.addresses = addresses
    self.range = range ?? addresses.subnet
    self.used = used.union([addresses.gateway])
  }

  /// Fixed addresses first, then those of an earlier plan, then the lowest free ones in the order of `members`.
  mutating func assign(
    _ members: [(service: String, fixed: IPv4Address?)], keeping previous: AddressPlan?
  ) -> [(String, IPv4Address)] {
    var owners: [IPv4Address: String] = [:]
    var assigned: [String: IPv4Address] = [:]
    for (service, fixed) in members {
      guard let fixed else { continue }
      if let other = owners[fixed] {
        report(.sameAddress(fixed, service: service, asService: other))
      } else if !isFree(fixed) {
        report(.addressNotUsable(fixed, addresses.subnet, service: service))
      } else {
        owners[fixed] = service
        assigned[service] = fixed
        used.insert(fixed)
      }
    }
    for (service, fixed) in members where fixed == nil {
      guard let kept = previous?.address(of: service, on: network), range.contains(kept), isFree(kept)
      else { continue }
      assigned[service] = kept
      used.insert(kept)
    }
    var next = max(addresses.subnet.firstHost, range.base)
    for (service, fixed) in members where fixed == nil && assigned[service] == nil {
      while used.contains(next) { next = IPv4Address(value: next.value &+ 1) }
      guard range.contains(next), addresses.subnet.isHost(next) else {
        report(.subnetTooSmall(range, endpoints: members.count))
        break
      }
      assigned[service] = next
      used.insert(next)
    }
    return members.compactMap { member in assigned[member.service].map { (member.service, $0) } }
  }

  private func isFree(_ address: IPv4Address) -> Bool {
    addresses.subnet.isHost(address) && !used.contains(address)
  }

  private mutating func report(_ kind: AddressProblem.Kind) {
    problems.append(AddressProblem(network: network, kind: kind))
  }
}
