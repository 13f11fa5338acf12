import InternetAddress
import LinuxNetlink
import Testing

@testable import LinuxFirewall

struct NetworkPolicyTests {
  private let open = NetworkPolicy.Bridge(name: "tst-a", subnet: .a, gateway: .a(1))
  private let closed = NetworkPolicy.Bridge(name: "tst-i", subnet: .i, gateway: .i(1), isInternal: true)

  private func port(_ host: IPv4Address?, _ number: UInt16) -> NetworkPolicy.PublishedPort {
    .init(hostAddress: host, hostPort: number, transport: .tcp, destination: .a(2), destinationPort: 80)
  }

  @Test func hasOnlyTheChainsItNeeds() {
    let plain = NetworkPolicy(tableName: "t", bridges: [open]).ruleset
    #expect(
      plain.chains.map(\.name) == ["martians", "forward", "into-network", "masquerading", "input", "from-network"])
    let all = NetworkPolicy(tableName: "t", bridges: [open, closed], ports: [port(nil, 1), port(.a(1), 2)]).ruleset
    #expect(all.chains.count == 10)
    #expect(all.sets.filter(\.elements.isEmpty).map(\.name) == ["guests"])
  }

  @Test func everySetAndChainThatARuleNamesIsThere() {
    for bridges in [[], [open], [closed], [open, closed]] {
      for ports in [[], [port(nil, 1)], [port(.a(1), 1)], [port(nil, 1), port(.a(1), 1)]] {
        let policy = NetworkPolicy(
          tableName: "t", bridges: bridges, ports: ports, forgers: [.init(interface: "v", address: .a(2))])
        for ruleset in [policy.ruleset] + [policy.senders].compactMap({ $0 }) {
          let sets = Set(ruleset.sets.map(\.name))
          let chains = Set(ruleset.chains.map(\.name))
          for expression in ruleset.chains.flatMap(\.rules).flatMap(\.expressions) {
            if case .lookUp(let name, _, _) = expression { #expect(sets.contains(name)) }
            if case .verdict(.goTo(let name)) = expression { #expect(chains.contains(name)) }
          }
        }
      }
    }
  }

  @Test func whoCannotForgeIsNotWatched() {
    #expect(NetworkPolicy(tableName: "t", bridges: [open], members: [.a(2)]).senders == nil)
  }

  @Test func anyAddressIsEveryAddress() {
    #expect(port(IPv4Address("0.0.0.0"), 80) == port(nil, 80))
  }

  @Test func publishedPortIsOneElement() throws {
    let policy = NetworkPolicy(
      tableName: "t", bridges: [open],
      ports: [
        .init(hostPort: 8080, transport: .tcp, destination: .a(2), destinationPort: 80),
        .init(hostAddress: .a(1), hostPort: 53, transport: .udp, destination: .a(3), destinationPort: 5353),
      ])
    let ports = try #require(policy.ruleset.sets.first { $0.name == "ports" })
    #expect(ports.elements == [.init([6, 0, 0, 0, 0x1f, 0x90, 0, 0], [10, 201, 0, 2, 0, 80, 0, 0])])
    let addressPorts = try #require(policy.ruleset.sets.first { $0.name == "address-ports" })
    let key: [UInt8] = [10, 201, 0, 1, 17, 0, 0, 0, 0, 53, 0, 0]
    #expect(addressPorts.elements == [.init(key, [10, 201, 0, 3, 0x14, 0xe9, 0, 0])])
  }

  @Test func costsTheSameNumberOfRulesForManyPorts() {
    let one = NetworkPolicy(tableName: "t", bridges: [open], ports: [port(nil, 1)])
    let many = NetworkPolicy(tableName: "t", bridges: [open], ports: (1...1000).map { port(nil, $0) })
    #expect(one.ruleset.chains == many.ruleset.chains)
  }
}

struct ReplacementTests {
  @Test func deletesWhatWasThereInTheSameTransaction() throws {
    let policy = NetworkPolicy(
      tableName: "tst", bridges: [.init(name: "tst-a", subnet: .a, gateway: .a(1))])
    let messages = try policy.ruleset.replacement()
    let intents = messages.map(\.intent)
    #expect(
      Array(intents[...2]) == [
        "add nftables table ip tst", "delete nftables table ip tst", "add nftables table ip tst",
      ])
    // NFNL_MSG_BATCH_BEGIN, of the subsystem nftables.
    #expect(
      try TableMessage.begin().bytes(sequence: 1, flags: 1) == [
        20, 0, 0, 0, 16, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10,
      ])
    // NFT_MSG_NEWTABLE of family ip, with its name.
    let table = try messages[0].bytes(sequence: 2, flags: 1)
    #expect(table == [28, 0, 0, 0, 0, 10, 1, 4, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 8, 0, 1, 0, 0x74, 0x73, 0x74, 0])
  }

  @Test func splitsWhatDoesNotFitAnAttribute() throws {
    let ports = (1...5000).map {
      NetworkPolicy.PublishedPort(hostPort: $0, transport: .tcp, destination: .a(2), destinationPort: 80)
    }
    let messages = try NetworkPolicy(tableName: "tst", bridges: [], ports: ports).ruleset.replacement()
    #expect(messages.count { $0.intent == "add elements to set ports of nftables table ip tst" } == 10)
    for message in messages { #expect(try message.bytes(sequence: 1, flags: 0).count < 1 << 16) }
  }
}

extension IPv4Subnet {
  static var a: IPv4Subnet { network(201) }
  static var b: IPv4Subnet { network(202) }
  static var i: IPv4Subnet { network(203) }

  private static func network(_ number: UInt32) -> IPv4Subnet {
    guard let subnet = IPv4Subnet(base: IPv4Address(value: 10 << 24 | number << 16), prefixLength: 24) else {
      fatalError("24 is a prefix length")
    }
    return subnet
  }
}

extension IPv4Address {
  static func a(_ host: UInt32) -> IPv4Address { IPv4Address(value: IPv4Subnet.a.base.value + host) }
  static func b(_ host: UInt32) -> IPv4Address { IPv4Address(value: IPv4Subnet.b.base.value + host) }
  static func i(_ host: UInt32) -> IPv4Address { IPv4Address(value: IPv4Subnet.i.base.value + host) }
}
