import CNetlink
import InternetAddress

/// An IPv4 address of an interface (rtnetlink(7) RTM_NEWADDR).
package struct InterfaceAddress: Hashable, Sendable {
  /// The interface's index.
  package let interface: Int32
  package let address: IPv4Address
  package let prefixLength: Int
}

extension InterfaceAddress {
  /// - Returns: nil when the reply is not an IPv4 address.
  init?(_ reply: NetlinkReply) {
    guard reply.type == UInt16(RTM_NEWADDR), let object = RouteObject(reply) else { return nil }
    self.init(object)
  }

  private init?(_ object: borrowing RouteObject) {
    guard let (address, length) = unsafe AddressObject.network(of: rtnl_addr_get_local(object.pointer))
    else { return nil }
    interface = unsafe rtnl_addr_get_ifindex(object.pointer)
    self.address = address
    prefixLength = length
  }
}

/// A route to an IPv4 network (rtnetlink(7) RTM_NEWROUTE).
package struct Route: Hashable, Sendable {
  package let destination: IPv4Subnet
  /// The interface's index; nil for a route without one (`blackhole`, `unreachable`).
  package let interface: Int32?
  package let gateway: IPv4Address?
}

extension Route {
  /// - Returns: nil when the reply is not an IPv4 route of the main table.
  init?(_ reply: NetlinkReply) {
    guard reply.type == UInt16(RTM_NEWROUTE), let object = RouteObject(reply) else { return nil }
    self.init(object)
  }

  private init?(_ object: borrowing RouteObject) {
    let route = unsafe object.pointer
    guard unsafe rtnl_route_get_table(route) == UInt32(RT_TABLE_MAIN.rawValue),
      let (base, length) = unsafe AddressObject.network(of: rtnl_route_get_dst(route)),
      let destination = IPv4Subnet(base: base, prefixLength: length)
    else { return nil }
    self.destination = destination
    if let hop = unsafe rtnl_route_nexthop_n(route, 0) {
      let index = unsafe rtnl_route_nh_get_ifindex(hop)
      interface = index > 0 ? index : nil
      gateway = unsafe AddressObject.network(of: rtnl_route_nh_get_gateway(hop))?.address
    } else {
      interface = nil
      gateway = nil
    }
  }
}
