import CNetlink
import Glibc
import InternetAddress

extension RouteSocket {
  /// Makes an interface that exists what it was made as: up, of its group, and a port of its bridge.
  ///
  /// - Parameters:
  ///   - bridge: the interface index of the bridge that it is to be a port of; nil leaves that as it is.
  ///   - hairpin: see ``VethSpecification/hairpin``; a port that leaves its bridge forgets it.
  /// - Throws: `ENODEV` when the interface or the bridge is gone.
  package func restore(_ link: Link, group: UInt32, bridge: Int32? = nil, hairpin: Bool = false) throws(NetlinkError) {
    let message = try NetlinkMessage("restore interface \(link.name)", type: RTM_NEWLINK)
    var header = ifinfomsg()
    header.ifi_index = link.index
    header.ifi_flags = UInt32(IFF_UP)
    header.ifi_change = UInt32(IFF_UP)
    message.append(header)
    message.put(IFLA_GROUP, native: group)
    if let bridge { message.put(IFLA_MASTER, native: UInt32(bitPattern: bridge)) }
    try socket.perform([message] + (hairpin ? [try Self.hairpinMessage(link.name)] : []))
  }

  /// Gives an interface an address, with its broadcast address.
  ///
  /// - Throws: `EEXIST` when the interface has it.
  package func add(_ address: IPv4Address, prefixLength: Int, to link: Link) throws(NetlinkError) {
    try socket.perform([
      try Self.message(address: address, prefixLength: prefixLength, interface: link.index, named: link.name)
    ])
  }
}
