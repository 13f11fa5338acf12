import CNetlink
import Glibc
import LinuxNetlink

/// A chain of the machine's own firewall through which forwarded packets have to pass, and which drops what no rule of it accepts.
package struct ForeignChain: Hashable, Sendable {
  /// `ip`, `inet`, `ip6` or another, by NFPROTO_*.
  let family: UInt8
  package let table: String
  package let name: String

  /// As nft(8) names it: `ip filter FORWARD`.
  package var description: String { "\(family == UInt8(NFPROTO_INET) ? "inet" : "ip") \(table) \(name)" }
}

extension FirewallSocket {
  /// The chains of others that drop what is forwarded for IPv4 by their policy, and have no rule about interfaces whose names
  /// begin with `prefix`.
  ///
  /// A verdict of accept ends only the table that gives it: what these drop is lost whatever other tables say.
  package func closedForwardChains(except prefix: String) throws(NetlinkError) -> [ForeignChain] {
    let header = 16 + MemoryLayout<nfgenmsg>.size
    var chains: [ForeignChain] = []
    for reply in try dump(try TableMessage.chains()) {
      guard let family = reply.family, [UInt8(NFPROTO_IPV4), UInt8(NFPROTO_INET)].contains(family),
        reply.number(of: [NFTA_CHAIN_HOOK.rawValue, NFTA_HOOK_HOOKNUM.rawValue], from: header)
          == UInt32(NF_INET_FORWARD.rawValue),
        reply.number(of: [NFTA_CHAIN_POLICY.rawValue], from: header) == UInt32(NF_DROP),
        let table = reply.text(of: NFTA_CHAIN_TABLE.rawValue, from: header),
        let name = reply.text(of: NFTA_CHAIN_NAME.rawValue, from: header)
      else { continue }
      let chain = ForeignChain(family: family, table: table, name: name)
      let rules = try dump(try TableMessage.rules(of: chain.table, chain.name, family: family))
      if !rules.contains(where: { $0.mentions(prefix) }) { chains.append(chain) }
    }
    return chains
  }
}

extension NetlinkReply {
  /// NFPROTO_* (`nfgenmsg`).
  var family: UInt8? { bytes.count > 16 ? bytes[16] : nil }

  /// Whether a text stands in the message, be it in an expression of nftables or of iptables.
  fileprivate func mentions(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return bytes.indices.contains { bytes[$0...].starts(with: wanted) }
  }
}
