import InternetAddress
import StackModel

/// Subnets for the networks whose file names none.
///
/// A network's place in the pool follows from a hash of its name, so that it has the same subnet at each `up` and on each
/// machine; a place that is taken leads to others in an order that the same hash gives.
struct SubnetPool {
  /// 10.192.0.0/11: away from Docker's 172.17 to 172.31 and 192.168, from podman's 10.88 and 10.89, from Kubernetes' 10.96/12 and
  /// 10.244, and from the low numbers that cloud networks use most.
  static let pool = "10.192.0.0/11"
  private static let poolBase: UInt32 = 10 << 24 | 192 << 16
  private static let poolLength = 11

  private let occupied: [IPv4Subnet]
  private var reserved: [(subnet: IPv4Subnet, network: String)] = []

  init(occupied: [IPv4Subnet]) {
    // A default route is not a use of all addresses.
    self.occupied = occupied.filter { $0.prefixLength > 0 }
  }

  /// Takes a subnet for a network, or says what it is taken by.
  mutating func reserve(_ subnet: IPv4Subnet, for network: String) -> AddressProblem? {
    if let other = reserved.first(where: { $0.subnet.overlaps(subnet) }) {
      return AddressProblem(network: network, kind: .sameSubnet(subnet, asNetwork: other.network))
    }
    if let other = occupied.first(where: { $0.overlaps(subnet) }) {
      return AddressProblem(network: network, kind: .subnetInUse(subnet, by: other))
    }
    reserved.append((subnet, network))
    return nil
  }

  /// A free subnet with room for `endpoints` and some more; nil when the pool has none left.
  mutating func choose(for network: Network, endpoints: Int) -> IPv4Subnet? {
    let length = Self.prefixLength(endpoints: endpoints)
    guard length >= Self.poolLength else { return nil }
    let hash = StableHash.of("subnet", network.name)
    let slots = UInt32(1) << UInt32(length - Self.poolLength)
    // An odd step visits each slot once, because their number is a power of two.
    let step = UInt32(truncatingIfNeeded: hash >> 32) | 1
    var slot = StableHash.folded(hash)
    for _ in 0..<slots {
      let base = IPv4Address(value: Self.poolBase + (slot & (slots - 1)) << UInt32(32 - length))
      if let subnet = IPv4Subnet(base: base, prefixLength: length), reserve(subnet, for: network.key) == nil {
        return subnet
      }
      slot &+= step
    }
    return nil
  }

  /// /24 up to 250 endpoints; beyond, the smallest with network, broadcast and gateway address and some room to grow.
  static func prefixLength(endpoints: Int) -> Int {
    var length = 24
    while length > 0 && endpoints > (1 << (32 - length)) - 6 { length -= 1 }
    return length
  }
}

extension IPv4Subnet {
  /// How many addresses can be given to hosts: without the network's own and the broadcast address (RFC 1122, section 3.2.1.3).
  var hostCount: Int { prefixLength >= 31 ? 0 : (1 << (32 - prefixLength)) - 2 }

  var firstHost: IPv4Address { IPv4Address(value: base.value &+ 1) }

  func isHost(_ address: IPv4Address) -> Bool {
    hostCount > 0 && contains(address) && address != base && address != broadcast
  }
}
