import CNetlink
import Glibc
import InternetAddress
import SystemPackage

/// A bridge to be made (ip-link(8), `type bridge`).
package struct BridgeSpecification: Sendable {
  package var name: String
  /// Its own for good: a bridge without one takes the lowest of its ports', and when that changes, every neighbour's entry
  /// for the gateway is wrong until it expires.
  package var macAddress: MACAddress
  /// nil: that of its ports, the lowest.
  package var mtu: UInt32?
  package var address: IPv4Address
  package var prefixLength: Int
  package var group: UInt32

  package init(
    name: String, macAddress: MACAddress, mtu: UInt32? = nil, address: IPv4Address, prefixLength: Int, group: UInt32
  ) {
    self.name = name
    self.macAddress = macAddress
    self.mtu = mtu
    self.address = address
    self.prefixLength = prefixLength
    self.group = group
  }
}

extension RouteSocket {
  /// Makes a bridge that is up and has its address.
  ///
  /// Without a spanning tree, which is the kernel's default: its ports forward at once. On failure there is no bridge.
  /// - Returns: its interface index.
  /// - Throws: `EEXIST` when there is an interface of this name.
  package func createBridge(_ bridge: BridgeSpecification) throws(NetlinkError) -> Int32 {
    let intent = "create bridge \(bridge.name)"
    // An address needs the index of its interface, which only the answer tells: two exchanges at least.
    let answers = try socket.exchange([
      try Self.message(bridge, intent), try Self.query(linkNamed: bridge.name),
    ])
    if case .refused(let error) = answers[0] { throw error }
    guard let index = try Self.link(answers[1])?.index else { throw NetlinkError(intent, .noSuchDevice) }
    do throws(NetlinkError) {
      let address = try Self.message(
        address: bridge.address, prefixLength: bridge.prefixLength, interface: index, named: bridge.name)
      try socket.perform([address])
    } catch {
      // Best effort: the error that matters is the one being thrown.
      _ = try? deleteLink(named: bridge.name)
      throw error
    }
    return index
  }

  private static func message(_ bridge: BridgeSpecification, _ intent: String) throws(NetlinkError) -> NetlinkMessage {
    try InterfaceName.check(bridge.name, intent)
    let object = try unsafe RouteObject(rtnl_link_bridge_alloc(), intent)
    let link = unsafe object.pointer
    let hardware = try AddressObject(bridge.macAddress, intent)
    unsafe rtnl_link_set_name(link, bridge.name)
    unsafe rtnl_link_set_addr(link, hardware.pointer)
    unsafe rtnl_link_set_group(link, bridge.group)
    unsafe rtnl_link_set_flags(link, UInt32(IFF_UP))
    if let mtu = bridge.mtu { unsafe rtnl_link_set_mtu(link, mtu) }
    return try unsafe NetlinkMessage(intent) {
      unsafe rtnl_link_build_add_request(object.pointer, NLM_F_CREATE | NLM_F_EXCL, &$0)
    }
  }

  static func message(
    address: IPv4Address, prefixLength: Int, interface: Int32, named name: String
  ) throws(NetlinkError) -> NetlinkMessage {
    let intent = "give \(name) the address \(address)/\(prefixLength)"
    guard let subnet = IPv4Subnet(base: address, prefixLength: prefixLength) else {
      throw NetlinkError(intent, .invalidArgument)
    }
    let object = try unsafe RouteObject(rtnl_addr_alloc(), intent)
    let local = try AddressObject(address, prefixLength: prefixLength, intent)
    unsafe rtnl_addr_set_ifindex(object.pointer, interface)
    unsafe rtnl_addr_set_local(object.pointer, local.pointer)
    if prefixLength < 31 {
      let broadcast = try AddressObject(subnet.broadcast, intent)
      unsafe rtnl_addr_set_broadcast(object.pointer, broadcast.pointer)
    }
    return try unsafe NetlinkMessage(intent) {
      unsafe rtnl_addr_build_add_request(object.pointer, NLM_F_CREATE | NLM_F_EXCL, &$0)
    }
  }
}
