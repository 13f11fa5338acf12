import CNetlink
import Glibc
import InternetAddress
import LinuxSystem
import SystemPackage

/// Links, addresses and routes of one network namespace (rtnetlink(7)), in the words of ip(8).
///
/// Needs CAP_NET_ADMIN for changes.
package final class RouteSocket {
  private let socket: NetlinkSocket

  package init() throws(NetlinkError) {
    socket = try NetlinkSocket(family: CInt(NETLINK_ROUTE))
  }

  // MARK: Making

  /// Creates a bridge, gives it its address, and brings it up. One that exists is an `EEXIST`.
  @discardableResult
  package func createBridge(_ bridge: BridgeSpecification) throws(NetlinkError) -> Int32 {
    let intent = "create bridge \(bridge.name)"
    try socket.transact([
      unsafe try RouteMessages.newLink(intent) { link in
        unsafe RouteMessages.setName(link, bridge.name)
        unsafe rtnl_link_set_type(link, "bridge")
        unsafe rtnl_link_set_group(link, bridge.group)
        unsafe rtnl_link_set_flags(link, UInt32(IFF_UP))
        unsafe RouteMessages.setHardwareAddress(link, bridge.hardwareAddress)
        if let mtu = bridge.mtu { unsafe rtnl_link_set_mtu(link, UInt32(mtu)) }
      }
    ])
    let index = try self.index(of: bridge.name)
    try socket.transact([
      try RouteMessages.newAddress(bridge.address, prefixLength: bridge.prefixLength, on: index, name: bridge.name)
    ])
    return index
  }

  /// Creates a veth pair in one message: both ends, named, in their namespaces, the host's end a port of its bridge and up.
  ///
  /// One queue on each end: with more, the kernel waits for all processors twice a pair.
  package func createVeth(_ veth: VethSpecification) throws(NetlinkError) {
    try socket.transact([try RouteMessages.newVeth(veth)])
  }

  /// Brings `lo` and the interfaces of a container up, with addresses and the default route: all in one message.
  ///
  /// The socket is one of the container's network namespace.
  package func configure(_ interfaces: [InterfaceConfiguration]) throws(NetlinkError) {
    // lo is interface 1 of every network namespace.
    var requests = [try RouteMessages.setUp(1, name: "lo")]
    for interface in interfaces {
      let index = try self.index(of: interface.name)
      requests.append(try RouteMessages.setUp(index, name: interface.name))
      requests.append(
        try RouteMessages.newAddress(
          interface.address, prefixLength: interface.prefixLength, on: index, name: interface.name))
      if let gateway = interface.gateway {
        requests.append(try RouteMessages.newDefaultRoute(gateway, through: index))
      }
    }
    try socket.transact(requests)
  }

  // MARK: Removing

  /// Deletes a link.
  /// - Returns: false when there was none.
  @discardableResult
  package func deleteLink(named name: String) throws(NetlinkError) -> Bool {
    do throws(NetlinkError) {
      try socket.transact([try RouteMessages.deleteLink(named: name)])
      return true
    } catch where error.errno == .noDevice {
      return false
    }
  }

  /// Deletes all links of a group with one request: the kernel waits for its readers once, not once a link.
  package func deleteLinks(group: UInt32) throws(NetlinkError) {
    do throws(NetlinkError) {
      try socket.transact([RouteMessages.deleteGroup(group)])
    } catch where error.errno == .noDevice {}
  }

  // MARK: Looking

  /// The index of the link `name` of the calling thread's network namespace, which is the socket's.
  package func index(of name: String) throws(NetlinkError) -> Int32 {
    let index = unsafe if_nametoindex(name)
    if index == 0 { throw NetlinkError("find interface \(name)", .latest) }
    return Int32(index)
  }

  package func link(named name: String) throws(NetlinkError) -> Link? {
    try links().first { $0.name == name }
  }

  package func links() throws(NetlinkError) -> [Link] {
    unsafe try RouteCache.read("list links", { unsafe rtnl_link_alloc_cache($0, AF_UNSPEC, $1) }) { object in
      guard let name = unsafe rtnl_link_get_name(object) else { return nil }
      return Link(
        index: unsafe rtnl_link_get_ifindex(object), name: unsafe String(cString: name),
        group: unsafe rtnl_link_get_group(object))
    }
  }

  /// The IPv4 routes of the main table, without the default route.
  package func routes() throws(NetlinkError) -> [Route] {
    unsafe try RouteCache.read("list routes", { unsafe rtnl_route_alloc_cache($0, AF_INET, 0, $1) }) { object in
      guard unsafe rtnl_route_get_table(object) == UInt32(RT_TABLE_MAIN.rawValue),
        let destination = unsafe rtnl_route_get_dst(object), unsafe nl_addr_get_len(destination) == 4,
        let bytes = unsafe nl_addr_get_binary_addr(destination)
      else { return nil }
      let raw = unsafe UnsafeRawBufferPointer(start: bytes, count: 4)
      let value = unsafe raw.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let length = Int(unsafe nl_addr_get_prefixlen(destination))
      guard length > 0, let subnet = IPv4Subnet(base: IPv4Address(value: value), prefixLength: length) else { return nil }
      let hop = unsafe rtnl_route_nexthop_n(object, 0)
      return Route(destination: subnet, linkIndex: unsafe hop.map { unsafe rtnl_route_nh_get_ifindex($0) } ?? 0)
    }
  }
}
