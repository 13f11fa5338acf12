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
    // Only those that are there: what a transaction without them would come to, the kernel takes back, and for that it waits
    // for its readers (RCU), as long as all the rest of the removal takes.
    let present = try tables().filter { $0.name == table }
    if present.isEmpty { return false }
    do throws(NetlinkError) {
      try transact([try present.map { table throws(NetlinkError) in try TableMessage.delete(table) }])
    } catch  where error.errno == .noSuchFileOrDirectory {
      // Somebody was first with one of them: that one, and not the other.
      for table in try tables() where present.contains(table) { try transact([[try TableMessage.delete(table)]]) }
    }
    return present.contains { $0.family == .ip }
  }

  func dump(_ message: NetlinkMessage) throws(NetlinkError) -> [NetlinkReply] { try socket.dump(message) }

  /// The tables of the families that are known here; none where the kernel has no nftables.
  package func tables() throws(NetlinkError) -> [TableName] {
    let header = 16 + MemoryLayout<nfgenmsg>.size
    do throws(NetlinkError) {
      return try socket.dump(try TableMessage.list()).compactMap { reply in
        guard let family = reply.family.flatMap(TableName.Family.init),
          let name = reply.text(of: NFTA_TABLE_NAME.rawValue, from: header)
        else { return nil }
        return TableName(name, family: family)
      }
    } catch  where error.errno == .notSupported || error.errno == .invalidArgument {
      return []
    }
  }
}
