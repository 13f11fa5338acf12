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

  /// Puts the policy's tables in force, in the place of those of the same name: in one step, so that no packet meets neither
  /// or half of one. On failure what was in force still is.
  package func apply(_ policy: NetworkPolicy) throws(NetlinkError) {
    let rulesets = [policy.ruleset] + [policy.senders].compactMap { $0 }
    do throws(NetlinkError) {
      try transact(try rulesets.map { ruleset throws(NetlinkError) in try ruleset.update() })
    } catch {
      // The table that is there may be of another version of this program, with other kinds of sets or hooks. If the reason
      // is another, the replacement fails by it too.
      try transact(try rulesets.map { ruleset throws(NetlinkError) in try ruleset.replacement() })
    }
  }

  private func transact(_ parts: [[NetlinkMessage]]) throws(NetlinkError) {
    try socket.transact([try TableMessage.begin()] + parts.flatMap { $0 } + [try TableMessage.end()])
  }

  /// Removes the tables of a policy with all that is in them.
  /// - Returns: false when there is none of family `ip`.
  @discardableResult
  package func delete(table: String) throws(NetlinkError) -> Bool {
    // One that is not there cannot be deleted: only its absence, or a kernel without that family, is no error.
    try deleteIfPresent(TableName(table, family: .bridge))
    return try deleteIfPresent(TableName(table))
  }

  @discardableResult
  private func deleteIfPresent(_ table: TableName) throws(NetlinkError) -> Bool {
    do throws(NetlinkError) {
      try transact([[try TableMessage.delete(table)]])
      return true
    } catch  where [.noSuchFileOrDirectory, .notSupported, .addressFamilyNotSupported].contains(error.errno) {
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
