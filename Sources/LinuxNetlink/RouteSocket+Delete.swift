import CNetlink
import Glibc
import SystemPackage

extension RouteSocket {
  /// Removes a link; of a veth pair both ends.
  /// - Returns: false when there is none of this name.
  @discardableResult
  package func deleteLink(named name: String) throws(NetlinkError) -> Bool {
    let intent = "delete interface \(name)"
    try InterfaceName.check(name, intent)
    let message = try NetlinkMessage(intent, type: RTM_DELLINK)
    message.append(ifinfomsg())
    message.put(IFLA_IFNAME, name)
    return try delete(message)
  }

  /// Removes every link of a group at once: the kernel then waits for its readers once, not once for each link.
  ///
  /// - Parameter group: not 0, to which every interface belongs that was given none.
  /// - Returns: false when there is none.
  @discardableResult
  package func deleteLinks(group: UInt32) throws(NetlinkError) -> Bool {
    let intent = "delete the interfaces of group \(group)"
    if group == 0 { throw NetlinkError(intent, .invalidArgument, detail: "group 0 is every other interface's") }
    let message = try NetlinkMessage(intent, type: RTM_DELLINK)
    message.append(ifinfomsg())
    message.put(IFLA_GROUP, native: group)
    return try delete(message)
  }

  private func delete(_ message: NetlinkMessage) throws(NetlinkError) -> Bool {
    do throws(NetlinkError) {
      try socket.perform([message])
      return true
    } catch  where error.errno == .noSuchDevice {
      return false
    }
  }
}
