import CNetlink
import Glibc
import SystemPackage

/// A network interface as the kernel tells of it (rtnetlink(7) RTM_NEWLINK).
package struct Link: Hashable, Sendable {
  package let index: Int32
  package let name: String
  /// What ``RouteSocket/deleteLinks(group:)`` goes by; 0 unless set.
  package let group: UInt32
  /// The index of the bridge, or other master, of which it is a port.
  package let master: Int32?
  /// `bridge`, `veth` and so on; nil for a physical interface and the loopback.
  package let kind: String?
  package let isUp: Bool
  package let mtu: UInt32
  /// nil when it is not an Ethernet interface.
  package let address: MACAddress?
}

extension Link {
  /// - Returns: nil when the reply is not a link.
  init?(_ reply: NetlinkReply) {
    guard reply.type == UInt16(RTM_NEWLINK), let object = RouteObject(reply) else { return nil }
    self.init(object)
  }

  private init?(_ object: borrowing RouteObject) {
    let link = unsafe object.pointer
    guard let name = unsafe rtnl_link_get_name(link) else { return nil }
    index = unsafe rtnl_link_get_ifindex(link)
    unsafe self.name = String(cString: name)
    group = unsafe rtnl_link_get_group(link)
    let master = unsafe rtnl_link_get_master(link)
    self.master = master > 0 ? master : nil
    kind = unsafe rtnl_link_get_type(link).map { unsafe String(cString: $0) }
    isUp = unsafe rtnl_link_get_flags(link) & UInt32(IFF_UP) != 0
    mtu = unsafe rtnl_link_get_mtu(link)
    let octets = unsafe AddressObject.octets(of: rtnl_link_get_addr(link))
    address = octets.count == 6 ? MACAddress(value: octets.reduce(0) { $0 << 8 | UInt64($1) }) : nil
  }
}

/// What interface names may be (dev_valid_name in the kernel; libnl would cut a longer one off in silence).
enum InterfaceName {
  /// - Throws: `EINVAL` for a name that no interface can have.
  static func check(_ name: String, _ intent: String) throws(NetlinkError) {
    let isPlain = name.utf8.allSatisfy { $0 > 32 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") && $0 != 127 }
    let size = name.utf8.count
    if size > 0, size < 16, name != ".", name != "..", isPlain {
      return
    }
    throw NetlinkError(intent, .invalidArgument, detail: "not an interface name: \(name.debugDescription)")
  }
}
