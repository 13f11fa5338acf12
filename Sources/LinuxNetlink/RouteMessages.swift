import CNetlink
import Glibc
import InternetAddress
import LinuxSystem
import SystemPackage

/// Requests of rtnetlink(7), built by libnl-route.
enum RouteMessages {
  /// libnl's objects are freed with `nl_object_put` and its kin; a failure to allocate is `ENOMEM`.
  @unsafe private static func allocated(_ pointer: OpaquePointer?, _ intent: String) throws(NetlinkError) -> OpaquePointer {
    guard let pointer = unsafe pointer else { throw NetlinkError(intent, .noMemory) }
    return unsafe pointer
  }

  @unsafe private static func built(
    _ intent: String, _ build: (UnsafeMutablePointer<OpaquePointer?>) -> CInt
  ) throws(NetlinkError) -> NetlinkRequest {
    var message: OpaquePointer?
    let result = unsafe build(&message)
    guard result >= 0, let message = unsafe message else { throw NetlinkError(intent, .invalidArgument) }
    return unsafe NetlinkRequest(intent, consuming: message)
  }

  static func newLink(_ intent: String, _ describe: (OpaquePointer) -> Void) throws(NetlinkError) -> NetlinkRequest {
    let link = unsafe try allocated(rtnl_link_alloc(), intent)
    defer { unsafe rtnl_link_put(link) }
    unsafe describe(link)
    return unsafe try built(intent) { unsafe rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, $0) }
  }

  static func newVeth(_ veth: VethSpecification) throws(NetlinkError) -> NetlinkRequest {
    let intent = "create veth \(veth.hostName)"
    let link = unsafe try allocated(rtnl_link_veth_alloc(), intent)
    defer { unsafe rtnl_link_veth_release(link) }
    let peer = unsafe try allocated(rtnl_link_veth_get_peer(link), intent)
    // The peer is the pair's; the reference is ours.
    defer { unsafe rtnl_link_put(peer) }
    unsafe setName(link, veth.hostName)
    unsafe rtnl_link_set_master(link, veth.bridge)
    unsafe rtnl_link_set_group(link, veth.group)
    unsafe rtnl_link_set_flags(link, UInt32(IFF_UP))
    unsafe setName(peer, veth.peerName)
    unsafe setHardwareAddress(peer, veth.peerHardwareAddress)
    unsafe rtnl_link_set_ns_pid(peer, veth.peerProcess)
    for unsafe end in unsafe [link, peer] {
      unsafe rtnl_link_set_num_tx_queues(end, 1)
      unsafe rtnl_link_set_num_rx_queues(end, 1)
      if let mtu = veth.mtu { unsafe rtnl_link_set_mtu(end, UInt32(mtu)) }
    }
    return unsafe try built(intent) { unsafe rtnl_link_build_add_request(link, NLM_F_CREATE | NLM_F_EXCL, $0) }
  }

  static func setUp(_ index: Int32, name: String) throws(NetlinkError) -> NetlinkRequest {
    let intent = "bring \(name) up"
    let link = unsafe try allocated(rtnl_link_alloc(), intent)
    defer { unsafe rtnl_link_put(link) }
    let change = unsafe try allocated(rtnl_link_alloc(), intent)
    defer { unsafe rtnl_link_put(change) }
    unsafe rtnl_link_set_ifindex(link, index)
    unsafe rtnl_link_set_flags(change, UInt32(IFF_UP))
    return unsafe try built(intent) { unsafe rtnl_link_build_change_request(link, change, 0, $0) }
  }

  static func deleteLink(named name: String) throws(NetlinkError) -> NetlinkRequest {
    let intent = "delete link \(name)"
    let link = unsafe try allocated(rtnl_link_alloc(), intent)
    defer { unsafe rtnl_link_put(link) }
    unsafe setName(link, name)
    return unsafe try built(intent) { unsafe rtnl_link_build_delete_request(link, $0) }
  }

  /// RTM_DELLINK with IFLA_GROUP alone, which libnl-route does not build.
  static func deleteGroup(_ group: UInt32) throws(NetlinkError) -> NetlinkRequest {
    let intent = "delete links of group \(group)"
    let message = unsafe try allocated(nlmsg_alloc_simple(CInt(RTM_DELLINK), 0), intent)
    var header = ifinfomsg()
    var value = group
    guard unsafe nlmsg_append(message, &header, MemoryLayout<ifinfomsg>.size, CInt(NLMSG_ALIGNTO)) >= 0,
      unsafe nla_put(message, CInt(IFLA_GROUP), CInt(MemoryLayout<UInt32>.size), &value) >= 0
    else {
      unsafe nlmsg_free(message)
      throw NetlinkError(intent, .noMemory)
    }
    return unsafe NetlinkRequest(intent, consuming: message)
  }

  static func newAddress(
    _ address: IPv4Address, prefixLength: Int, on index: Int32, name: String
  ) throws(NetlinkError) -> NetlinkRequest {
    let intent = "add address \(address)/\(prefixLength) to \(name)"
    let object = unsafe try allocated(rtnl_addr_alloc(), intent)
    defer { unsafe rtnl_addr_put(object) }
    let local = unsafe try allocated(networkAddress(address, prefixLength: prefixLength), intent)
    defer { unsafe nl_addr_put(local) }
    unsafe rtnl_addr_set_ifindex(object, index)
    unsafe rtnl_addr_set_local(object, local)
    if let subnet = IPv4Subnet(base: address, prefixLength: prefixLength), prefixLength < 31 {
      let broadcast = unsafe try allocated(networkAddress(subnet.broadcast, prefixLength: 32), intent)
      unsafe rtnl_addr_set_broadcast(object, broadcast)
      unsafe nl_addr_put(broadcast)
    }
    return unsafe try built(intent) { unsafe rtnl_addr_build_add_request(object, NLM_F_CREATE | NLM_F_EXCL, $0) }
  }

  static func newDefaultRoute(_ gateway: IPv4Address, through index: Int32) throws(NetlinkError) -> NetlinkRequest {
    let intent = "add default route via \(gateway)"
    let route = unsafe try allocated(rtnl_route_alloc(), intent)
    defer { unsafe rtnl_route_put(route) }
    let everywhere = unsafe try allocated(networkAddress(IPv4Address(value: 0), prefixLength: 0), intent)
    defer { unsafe nl_addr_put(everywhere) }
    let via = unsafe try allocated(networkAddress(gateway, prefixLength: 32), intent)
    defer { unsafe nl_addr_put(via) }
    let hop = unsafe try allocated(rtnl_route_nh_alloc(), intent)
    unsafe rtnl_route_nh_set_ifindex(hop, index)
    unsafe rtnl_route_nh_set_gateway(hop, via)
    unsafe rtnl_route_set_dst(route, everywhere)
    unsafe rtnl_route_set_scope(route, UInt8(RT_SCOPE_UNIVERSE.rawValue))
    // The route owns the hop from here on.
    unsafe rtnl_route_add_nexthop(route, hop)
    return unsafe try built(intent) { unsafe rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_EXCL, $0) }
  }

  @unsafe static func setName(_ link: OpaquePointer, _ name: String) {
    unsafe rtnl_link_set_name(link, name)
  }

  @unsafe static func setHardwareAddress(_ link: OpaquePointer, _ address: HardwareAddress) {
    guard let object = unsafe nl_addr_build(AF_LLC, address.bytes, address.bytes.count) else { return }
    unsafe rtnl_link_set_addr(link, object)
    unsafe nl_addr_put(object)
  }

  @unsafe private static func networkAddress(_ address: IPv4Address, prefixLength: Int) -> OpaquePointer? {
    let value = address.value
    let bytes = [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    guard let object = unsafe nl_addr_build(AF_INET, bytes, 4) else { return nil }
    unsafe nl_addr_set_prefixlen(object, CInt(prefixLength))
    return unsafe object
  }
}

/// What the kernel has, read through a cache of libnl.
enum RouteCache {
  static func read<Element>(
    _ intent: String, _ allocate: (OpaquePointer, UnsafeMutablePointer<OpaquePointer?>) -> CInt,
    _ convert: (OpaquePointer) -> Element?
  ) throws(NetlinkError) -> [Element] {
    guard let socket = unsafe nl_socket_alloc() else { throw NetlinkError(intent, .noMemory) }
    defer { unsafe nl_socket_free(socket) }
    guard unsafe nl_connect(socket, CInt(NETLINK_ROUTE)) >= 0 else { throw NetlinkError(intent, .latest) }
    var cache: OpaquePointer?
    guard unsafe allocate(socket, &cache) >= 0, let cache = unsafe cache else {
      throw NetlinkError(intent, .ioError)
    }
    defer { unsafe nl_cache_free(cache) }
    var elements: [Element] = []
    var object = unsafe nl_cache_get_first(cache)
    while let current = unsafe object {
      if let element = unsafe convert(current) { elements.append(element) }
      unsafe object = nl_cache_get_next(current)
    }
    return elements
  }
}
