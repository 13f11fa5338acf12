import CNetlink
import Glibc
import SystemPackage

/// Links, addresses and routes of one network namespace (rtnetlink(7)), in the words of ip(8).
///
/// Changes need CAP_NET_ADMIN in the user namespace that owns the network namespace. Nothing is cached: the kernel is asked
/// each time.
package final class RouteSocket {
  var socket: NetlinkSocket

  /// A socket of the caller's network namespace, and of that one for good.
  package init() throws(NetlinkError) {
    socket = try NetlinkSocket(NETLINK_ROUTE)
  }

  /// The link that has this name, or nil.
  package func link(named name: String) throws(NetlinkError) -> Link? {
    let answer = try socket.exchange([try Self.query(linkNamed: name)])[0]
    return try Self.link(answer)
  }

  /// The index of the link that has this name, or nil. The kernel answers at once, also while links are being made and removed,
  /// for which everything else waits (the kernel's RTNL mutex).
  package func index(ofLink name: String) throws(NetlinkError) -> Int32? {
    try socket.index(ofInterface: name)
  }

  /// Every link of the namespace.
  package func links() throws(NetlinkError) -> [Link] {
    let message = try NetlinkMessage("list links", type: RTM_GETLINK, query: true)
    message.append(ifinfomsg())
    return try socket.dump(message).compactMap { Link($0) }
  }

  static func query(linkNamed name: String) throws(NetlinkError) -> NetlinkMessage {
    let intent = "look up interface \(name)"
    try InterfaceName.check(name, intent)
    let message = try NetlinkMessage(intent, type: RTM_GETLINK, query: true)
    message.append(ifinfomsg())
    message.put(IFLA_IFNAME, name)
    return message
  }

  /// - Returns: nil when the answer is that there is no such link.
  static func link(_ answer: NetlinkSocket.Answer) throws(NetlinkError) -> Link? {
    switch answer {
    case .reply(let reply): return Link(reply)
    case .acknowledged: return nil
    case .refused(let error):
      if error.errno == .noSuchDevice { return nil }
      throw error
    }
  }

  /// Every IPv4 address of the namespace.
  package func addresses() throws(NetlinkError) -> [InterfaceAddress] {
    let message = try NetlinkMessage("list addresses", type: RTM_GETADDR, query: true)
    var header = ifaddrmsg()
    header.ifa_family = UInt8(AF_INET)
    message.append(header)
    return try socket.dump(message).compactMap { InterfaceAddress($0) }
  }

  /// The IPv4 routes of the main table; of one with several next hops the first.
  package func routes() throws(NetlinkError) -> [Route] {
    let message = try NetlinkMessage("list routes", type: RTM_GETROUTE, query: true)
    var header = rtmsg()
    header.rtm_family = UInt8(AF_INET)
    message.append(header)
    return try socket.dump(message).compactMap { Route($0) }
  }
}
