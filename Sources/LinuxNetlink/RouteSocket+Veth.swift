import CNetlink
import Glibc
import InternetAddress
import SystemPackage

/// A pair of virtual Ethernet interfaces (veth(4)) to be made: one end a port of a bridge, the other in another network
/// namespace.
package struct VethSpecification: Sendable {
  package enum NetworkNamespace: Sendable {
    /// The one in which this process is.
    case process(pid_t)
    /// An open `/proc/PID/ns/net`.
    case descriptor(FileDescriptor)
  }

  package var hostName: String
  /// The interface index of the bridge.
  package var bridge: Int32
  /// The group of the end at the host.
  package var group: UInt32
  /// Of both ends; nil: 1500.
  package var mtu: UInt32?
  package var peerName: String
  package var peerAddress: MACAddress
  package var peerNamespace: NetworkNamespace
  /// Lets the bridge send a frame back out of the port it came in by. Needed, and only then, where bridged frames pass
  /// through the IPv4 firewall (`net.bridge.bridge-nf-call-iptables`): there a container that connects to its own published
  /// port is answered by the bridge itself.
  package var hairpin: Bool

  package init(
    hostName: String, bridge: Int32, group: UInt32, mtu: UInt32? = nil, peerName: String, peerAddress: MACAddress,
    peerNamespace: NetworkNamespace, hairpin: Bool = false
  ) {
    self.hostName = hostName
    self.bridge = bridge
    self.group = group
    self.mtu = mtu
    self.peerName = peerName
    self.peerAddress = peerAddress
    self.peerNamespace = peerNamespace
    self.hairpin = hairpin
  }
}

extension RouteSocket {
  /// Makes both ends in one message: the end at the host as a port of the bridge and up, the other in its namespace, down:
  /// the kernel refuses to bring up an end that has no peer yet.
  ///
  /// Both ends have one queue: with more, the kernel waits for all readers twice for each pair
  /// (netif_set_real_num_tx_queues), and longer the more interfaces there are. On failure there is no pair.
  /// - Throws: `EEXIST` when either end's name is taken.
  package func createVeth(_ veth: VethSpecification) throws(NetlinkError) {
    let intent = "create veth pair \(veth.hostName)"
    var messages = [try Self.message(veth, intent)]
    if veth.hairpin { messages.append(try Self.hairpinMessage(veth.hostName)) }
    let answers = try socket.exchange(messages)
    for (index, answer) in answers.enumerated() {
      guard case .refused(let error) = answer else { continue }
      // Best effort: the error that matters is the one being thrown. When making the pair failed, the name is another's.
      if index > 0 { _ = try? deleteLink(named: veth.hostName) }
      throw error
    }
  }

  private static func message(_ veth: VethSpecification, _ intent: String) throws(NetlinkError) -> NetlinkMessage {
    try InterfaceName.check(veth.hostName, intent)
    try InterfaceName.check(veth.peerName, intent)
    let object = try unsafe RouteObject(rtnl_link_veth_alloc(), intent)
    let link = unsafe object.pointer
    let peer = try unsafe RouteObject(rtnl_link_veth_get_peer(link), intent)
    let hardware = try AddressObject(veth.peerAddress, intent)
    unsafe setQueues(of: link, mtu: veth.mtu)
    unsafe setQueues(of: peer.pointer, mtu: veth.mtu)
    unsafe rtnl_link_set_name(link, veth.hostName)
    unsafe rtnl_link_set_master(link, veth.bridge)
    unsafe rtnl_link_set_group(link, veth.group)
    unsafe rtnl_link_set_flags(link, UInt32(IFF_UP))
    unsafe rtnl_link_set_name(peer.pointer, veth.peerName)
    unsafe rtnl_link_set_addr(peer.pointer, hardware.pointer)
    switch veth.peerNamespace {
    case .process(let pid): unsafe rtnl_link_set_ns_pid(peer.pointer, pid)
    case .descriptor(let descriptor): unsafe rtnl_link_set_ns_fd(peer.pointer, descriptor.rawValue)
    }
    return try unsafe NetlinkMessage(intent) {
      unsafe rtnl_link_build_add_request(object.pointer, NLM_F_CREATE | NLM_F_EXCL, &$0)
    }
  }

  /// What `ip link set NAME type bridge_slave hairpin on` sends; libnl-route knows no attributes of a port of this kind.
  static func hairpinMessage(_ name: String) throws(NetlinkError) -> NetlinkMessage {
    let message = try NetlinkMessage("turn hairpin mode on for \(name)", type: RTM_NEWLINK)
    message.append(ifinfomsg())
    message.put(IFLA_IFNAME, name)
    message.nest(IFLA_LINKINFO) {
      message.put(IFLA_INFO_SLAVE_KIND, "bridge")
      message.nest(IFLA_INFO_SLAVE_DATA) { message.put(IFLA_BRPORT_MODE, [1]) }
    }
    return message
  }
}

extension RouteSocket {
  /// One queue each way: with more, the kernel waits for all readers twice for each pair.
  @unsafe private static func setQueues(of end: OpaquePointer, mtu: UInt32?) {
    unsafe rtnl_link_set_num_tx_queues(end, 1)
    unsafe rtnl_link_set_num_rx_queues(end, 1)
    if let mtu { unsafe rtnl_link_set_mtu(end, mtu) }
  }
}
