import CNetlink
import Glibc
import SystemPackage

/// An interface on its way to another network namespace, with what it loses there: its permanent addresses.
package struct MovingInterface: Sendable {
  package let name: String
  /// With `%d` the kernel chooses a number.
  package let newName: String
  fileprivate let index: Int32
  /// Messages of type RTM_NEWADDR.
  fileprivate let addresses: [NetlinkReply]
}

extension RouteSocket {
  /// Looks an interface up that is to be moved.
  ///
  /// - Throws: `ENODEV` when there is none of this name.
  package func movingInterface(named name: String, as newName: String) throws(NetlinkError) -> MovingInterface {
    try InterfaceName.check(newName, "rename interface \(name)")
    guard let index = try index(ofLink: name) else { throw NetlinkError("look up interface \(name)", .noSuchDevice) }
    let message = try NetlinkMessage("list addresses", type: RTM_GETADDR, query: true)
    message.append(ifaddrmsg())
    let addresses = try socket.dump(message).filter { reply in
      guard let address = Self.header(of: reply) else { return false }
      return address.ifa_index == UInt32(index) && UInt32(address.ifa_flags) & UInt32(IFA_F_PERMANENT) != 0
        && UInt32(address.ifa_scope) == UInt32(RT_SCOPE_UNIVERSE.rawValue)
    }
    return MovingInterface(name: name, newName: newName, index: index, addresses: addresses)
  }

  /// Moves an interface to the network namespace of a process, where it is down and has no addresses.
  ///
  /// - Throws: `EEXIST` when its name is taken there.
  package func move(_ interface: MovingInterface, to pid: pid_t) throws(NetlinkError) {
    let message = try NetlinkMessage("move interface \(interface.name)", type: RTM_NEWLINK)
    var header = ifinfomsg()
    header.ifi_index = interface.index
    message.append(header)
    message.put(IFLA_NET_NS_PID, native: UInt32(bitPattern: pid))
    message.put(IFLA_IFNAME, interface.newName)
    try socket.perform([message])
  }

  /// In its new namespace: gives an interface its addresses back and brings it up.
  package func settle(_ interface: MovingInterface) throws(NetlinkError) {
    let intent = "configure interface \(interface.newName)"
    guard let link = try arrived(interface) else { throw NetlinkError(intent, .noSuchDevice) }
    var messages: [NetlinkMessage] = []
    for reply in interface.addresses {
      guard let object = RouteObject(reply) else { throw NetlinkError(intent, .invalidArgument) }
      unsafe rtnl_addr_set_ifindex(object.pointer, link.index)
      // The label of an IPv4 address begins with the name of its interface (man 8 ip-address).
      if Self.header(of: reply)?.ifa_family == UInt8(AF_INET) { unsafe rtnl_addr_set_label(object.pointer, link.name) }
      messages.append(
        try unsafe NetlinkMessage(intent) {
          unsafe rtnl_addr_build_add_request(object.pointer, NLM_F_CREATE | NLM_F_EXCL, &$0)
        })
    }
    messages.append(try Self.message(bringUp: link.index, named: link.name))
    try socket.perform(messages)
  }

  private func arrived(_ interface: MovingInterface) throws(NetlinkError) -> Link? {
    guard interface.newName.contains("%") else { return try link(named: interface.newName) }
    // The kernel keeps the index where it is free, which in a new namespace it is.
    let start = interface.newName.prefix { $0 != "%" }
    return try links().first { $0.index == interface.index && $0.name.hasPrefix(start) }
  }

  private static func header(of reply: NetlinkReply) -> ifaddrmsg? {
    let start = NetlinkReply.headerLength
    guard reply.type == UInt16(RTM_NEWADDR), reply.bytes.count >= start + MemoryLayout<ifaddrmsg>.size else {
      return nil
    }
    return unsafe reply.bytes.withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: start, as: ifaddrmsg.self) }
  }
}
