import InternetAddress
import LinuxNetlink

/// The links, IPv4 addresses and routes of the machine, asked for once an operation: what is planned, and what is put right,
/// is compared with it.
struct KernelNetworks {
  /// By name.
  let links: [String: Link]
  let addresses: [InterfaceAddress]
  /// Of the main table.
  let routes: [Route]

  init() throws {
    let socket = try RouteSocket()
    links = Dictionary(try socket.links().map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    addresses = try socket.addresses()
    routes = try socket.routes()
  }

  /// Whether a link has an address, in a network of this size.
  func has(_ address: IPv4Address, prefixLength: Int, on link: Link) -> Bool {
    addresses.contains { $0.interface == link.index && $0.address == address && $0.prefixLength == prefixLength }
  }

  /// The network of a link's first address; nil when it has none.
  func network(of link: Link) -> (subnet: IPv4Subnet, address: IPv4Address)? {
    guard let first = addresses.first(where: { $0.interface == link.index }),
      let subnet = IPv4Subnet(base: first.address, prefixLength: first.prefixLength)
    else { return nil }
    return (subnet, first.address)
  }
}
