import CNetlink
import Glibc
import InternetAddress
import SystemPackage

/// How the interfaces of a network namespace are to be.
package struct InterfaceConfiguration: Sendable {
  package struct Interface: Sendable {
    package var name: String
    package var address: IPv4Address
    package var prefixLength: Int

    package init(name: String, address: IPv4Address, prefixLength: Int) {
      self.name = name
      self.address = address
      self.prefixLength = prefixLength
    }
  }

  package var interfaces: [Interface]
  /// Where the default route leads, an address in one of the interfaces' networks; nil: there is none.
  package var gateway: IPv4Address?

  package init(interfaces: [Interface] = [], gateway: IPv4Address? = nil) {
    self.interfaces = interfaces
    self.gateway = gateway
  }
}

extension RouteSocket {
  /// Brings the loopback and the interfaces up, with addresses and the default route. With no interfaces, the loopback only.
  ///
  /// - Throws: `ENODEV` when an interface is not there.
  package func configure(_ configuration: InterfaceConfiguration) throws(NetlinkError) {
    // The loopback is the first interface of every namespace (LOOPBACK_IFINDEX in the kernel).
    var messages = [try Self.message(bringUp: 1, named: "lo")]
    for interface in configuration.interfaces {
      guard let index = try index(ofLink: interface.name) else {
        throw NetlinkError("configure \(interface.name)", .noSuchDevice)
      }
      // The address first: the routes that belong to it appear when the interface comes up.
      messages.append(
        try Self.message(
          address: interface.address, prefixLength: interface.prefixLength, interface: index, named: interface.name))
      messages.append(try Self.message(bringUp: index, named: interface.name))
    }
    if let gateway = configuration.gateway { messages.append(try Self.message(defaultRoute: gateway)) }
    try socket.perform(messages)
  }

  static func message(bringUp index: Int32, named name: String) throws(NetlinkError) -> NetlinkMessage {
    let message = try NetlinkMessage("bring \(name) up", type: RTM_NEWLINK)
    var header = ifinfomsg()
    header.ifi_index = index
    header.ifi_flags = UInt32(IFF_UP)
    header.ifi_change = UInt32(IFF_UP)
    message.append(header)
    return message
  }

  private static func message(defaultRoute gateway: IPv4Address) throws(NetlinkError) -> NetlinkMessage {
    let intent = "set the default route via \(gateway)"
    let object = try unsafe RouteObject(rtnl_route_alloc(), intent)
    let route = unsafe object.pointer
    let destination = try AddressObject(IPv4Address(value: 0), prefixLength: 0, intent)
    let address = try AddressObject(gateway, intent)
    guard let hop = unsafe rtnl_route_nh_alloc() else { throw NetlinkError(intent, .noMemory) }
    unsafe rtnl_route_nh_set_gateway(hop, address.pointer)
    unsafe rtnl_route_set_family(route, UInt8(AF_INET))
    unsafe rtnl_route_set_table(route, UInt32(RT_TABLE_MAIN.rawValue))
    unsafe rtnl_route_set_scope(route, UInt8(RT_SCOPE_UNIVERSE.rawValue))
    unsafe rtnl_route_set_protocol(route, UInt8(RTPROT_STATIC))
    unsafe rtnl_route_set_dst(route, destination.pointer)
    // The next hop belongs to the route from here on.
    unsafe rtnl_route_add_nexthop(route, hop)
    return try unsafe NetlinkMessage(intent) {
      unsafe rtnl_route_build_add_request(object.pointer, NLM_F_CREATE | NLM_F_EXCL, &$0)
    }
  }
}
