import CNetlink
import Glibc
import LinuxNetlink
import SystemPackage

/// The nftables of one network namespace, over netlink (NETLINK_NETFILTER): no program is run.
///
/// Needs CAP_NET_ADMIN in the user namespace that owns the network namespace. Only the tables that are named are touched.
package final class FirewallSocket {
  private var socket: NetlinkSocket

  /// A socket of the caller's network namespace, and of that one for good.
  package init() throws(NetlinkError) {
    socket = try NetlinkSocket(NETLINK_NETFILTER)
  }

  /// Puts the policy's table in force, in the place of one of the same name: in one step, so that no packet meets neither
  /// or half of one. On failure what was in force still is.
  package func apply(_ policy: NetworkPolicy) throws(NetlinkError) {
    let ruleset = policy.ruleset
    do throws(NetlinkError) {
      try socket.transact(try ruleset.update())
    } catch {
      // The table that is there may be of another version of this program, with other kinds of sets or hooks. If the reason
      // is another, the replacement fails by it too.
      try socket.transact(try ruleset.replacement())
    }
  }

  /// Removes a table of family `ip` with all that is in it.
  /// - Returns: false when there is none.
  @discardableResult
  package func delete(table: String) throws(NetlinkError) -> Bool {
    do throws(NetlinkError) {
      try socket.transact([try TableMessage.begin(), try TableMessage.delete(table), try TableMessage.end()])
      return true
    } catch  where error.errno == .noSuchFileOrDirectory {
      return false
    }
  }

  func dump(_ message: NetlinkMessage) throws(NetlinkError) -> [NetlinkReply] { try socket.dump(message) }

  /// The names of the tables of family `ip`.
  package func tables() throws(NetlinkError) -> [String] {
    let headerLength = 16 + MemoryLayout<nfgenmsg>.size
    return try socket.dump(try TableMessage.list()).compactMap {
      $0.text(of: NFTA_TABLE_NAME.rawValue, from: headerLength)
    }
  }
}
