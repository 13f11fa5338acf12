import InternetAddress
import LinuxNetlink

extension NetworkPolicy {
  /// The table that keeps members who can make frames of their own from sending them as somebody else; nil when there is no
  /// such member: others have no socket that lets them.
  ///
  /// It is asked before the bridge learns where an Ethernet address is, and about frames of these members only.
  package var senders: Ruleset? {
    if forgers.isEmpty { return nil }
    let free = forgers.filter(\.hasOwnNetwork)
    return Ruleset(
      table: TableName(tableName, family: .bridge),
      sets: [
        // A member's interface has the hardware address that follows from its address.
        set("guarded", [.interfaceName], forgers.map { Bytes.interface($0.interface) }),
        set("free", [.interfaceName], free.map { Bytes.interface($0.interface) }),
        set(
          "hardware", [.interfaceName, .ethernetAddress],
          forgers.map { Bytes.interface($0.interface) + Bytes.ethernet(MACAddress(of: $0.address)) }),
        set(
          "addresses", [.interfaceName, .ipv4Address],
          forgers.map { Bytes.interface($0.interface) + Bytes.address($0.address) }),
        set(
          "claims", [.interfaceName, .ethernetAddress, .ipv4Address],
          forgers.map {
            Bytes.interface($0.interface) + Bytes.ethernet(MACAddress(of: $0.address)) + Bytes.address($0.address)
          }),
        set("members", [.ipv4Address], Set(members + bridges.map(\.gateway)).sorted().map { Bytes.address($0) }),
      ],
      chains: [
        Chain(
          name: "frames", hook: .init(kind: .filter, point: .prerouting, priority: Self.beforeAll),
          rules: [Rule(.inputInterface(in: "guarded"), .goTo("guarded"), "of a member that can forge them")]),
        Chain(
          name: "guarded", hook: nil,
          rules: [
            Rule(.carries(.addressResolution), .goTo("resolution"), "ARP"),
            Rule(.inputInterface(in: "free"), .accept, "of a member with a network of its own"),
            Rule(.linkSender(in: "hardware"), .goTo("packets"), "from its own hardware address"),
            Rule([], .drop, "everything else"),
          ]),
        Chain(
          name: "resolution", hook: nil,
          rules: [
            Rule(.resolutionSender(in: "claims"), .accept, "its own address"),
            Rule(.resolvedAddress(in: "members"), .drop, "an address of another member"),
            Rule(.inputInterface(in: "free"), .accept, "an address that is nobody's"),
            Rule([], .drop, "everything else"),
          ]),
        Chain(
          name: "packets", hook: nil,
          rules: [
            Rule(.carries(.ipv4) + .packetSender(in: "addresses"), .accept, "from its own address"),
            // Also router advertisements: networks are IPv4.
            Rule([], .drop, "everything else"),
          ]),
      ])
  }

  /// Before address translation, and before anything that belongs to others.
  private static let beforeAll: Int32 = -400

  private func set(_ name: String, _ key: [NamedSet.DataType], _ elements: [[UInt8]]) -> NamedSet {
    NamedSet(name: name, key: key, value: [], elements: elements.map { .init($0) })
  }
}
