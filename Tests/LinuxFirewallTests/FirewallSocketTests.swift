import Foundation
import InternetAddress
import LinuxFirewall
import LinuxNetlink
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite(.serialized, .privateNamespace)
struct FirewallSocketTests {
  /// What the first policy of the lab is in the language of nft(8), by its manual.
  private static let script = """
    table ip tst-by-nft {
      set bridges { type ifname; elements = { "tst-a", "tst-i" }; }
      set internal { type ifname; elements = { "tst-i" }; }
      set same { type ifname . ifname; elements = { "tst-a" . "tst-a", "tst-i" . "tst-i" }; }
      set resolvers { type ipv4_addr . inet_proto . inet_service
        elements = { 10.201.0.1 . udp . 53, 10.201.0.1 . tcp . 53, 10.203.0.1 . udp . 53, 10.203.0.1 . tcp . 53 }; }
      set guests { type ipv4_addr; elements = { 10.201.0.4 }; }
      map ports { type inet_proto . inet_service : ipv4_addr . inet_service
        elements = { tcp . 8080 : 10.201.0.2 . 80, udp . 8080 : 10.201.0.2 . 80 }; }
      map address-ports { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
        elements = { 127.0.0.1 . tcp . 8081 : 10.201.0.3 . 80, 192.0.2.1 . tcp . 8082 : 10.201.0.3 . 80 }; }
      chain martians { type filter hook prerouting priority raw; policy accept;
        ip daddr 127.0.0.0/8 iifname @bridges drop comment "loopback addresses on the wire"
        ip saddr 127.0.0.0/8 iifname @bridges drop comment "loopback addresses on the wire"
      }
      chain into-internal {
        iifname . oifname @same accept comment "within a network"
        drop comment "everything else"
      }
      chain into-network {
        ct state established,related accept comment "answers"
        ct status dnat accept comment "published ports"
        iifname . oifname @same accept comment "within a network"
        drop comment "everything else"
      }
      chain forward { type filter hook forward priority filter; policy accept;
        oifname @internal goto into-internal comment "to an internal network"
        iifname @internal drop comment "nothing leaves an internal network"
        oifname @bridges goto into-network comment "to a network"
      }
      chain masquerading { type nat hook postrouting priority srcnat; policy accept;
        ip saddr 127.0.0.0/8 oifname @bridges masquerade comment "from the host by 127.0.0.1"
        ip saddr 10.201.0.0/24 oifname != "tst-a" masquerade comment "out of the network"
        ip saddr 10.201.0.0/24 oifname "tst-a" ct status dnat masquerade comment "out by a published port and back in"
      }
      chain from-internal {
        ct state established,related accept comment "answers"
        ip daddr . meta l4proto . th dport @resolvers accept comment "name resolution"
        drop comment "everything else"
      }
      chain from-network {
        ct state established,related accept comment "answers"
        ip daddr . meta l4proto . th dport @resolvers accept comment "name resolution"
        meta l4proto icmp accept comment "ping"
        ip saddr @guests accept comment "guests of the host"
        meta l4proto tcp reject with tcp reset comment "all other connections"
        reject with icmp type admin-prohibited comment "everything else"
      }
      chain input { type filter hook input priority filter; policy accept;
        iifname @internal goto from-internal comment "to the host from an internal network"
        iifname @bridges goto from-network comment "to the host from a network"
      }
      chain publishing { type nat hook prerouting priority dstnat; policy accept;
        fib daddr type != local accept comment "not to the host"
        ip daddr 127.0.0.0/8 accept comment "not from the wire"
        dnat ip to ip daddr . meta l4proto . th dport map @address-ports comment "ports published at one address"
        dnat ip to meta l4proto . th dport map @ports comment "ports published at every address"
      }
      chain publishing-locally { type nat hook output priority -100; policy accept;
        fib daddr type != local accept comment "not to the host"
        dnat ip to ip daddr . meta l4proto . th dport map @address-ports comment "ports published at one address"
        dnat ip to meta l4proto . th dport map @ports comment "ports published at every address"
      }
    }
    """

  /// The objects of a table as `nft -j` tells them, without what differs between equal ones, in an order of their own.
  private func objects(_ table: String) throws -> [String] {
    let text = try NetworkLab.run("nft -j list table ip \(table)")
    let tree = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    return try (tree?["nftables"] as? [[String: Any]] ?? []).filter { $0["metainfo"] == nil }.map { object in
      let data = try JSONSerialization.data(withJSONObject: normal(object), options: [.sortedKeys])
      return String(decoding: data, as: UTF8.self).replacingOccurrences(of: "\"\(table)\"", with: "\"T\"")
    }.sorted()
  }

  private func normal(_ value: Any) throws -> Any {
    if let object = value as? [String: Any] {
      var result: [String: Any] = [:]
      for (key, value) in object where key != "handle" {
        guard key == "elem", let elements = value as? [Any] else {
          result[key] = try normal(value)
          continue
        }
        // A hash table tells its elements in no order.
        result[key] = try elements.map {
          String(decoding: try JSONSerialization.data(withJSONObject: [$0], options: [.sortedKeys]), as: UTF8.self)
        }.sorted()
      }
      return result
    }
    guard let array = value as? [Any] else { return value }
    return try array.map { try normal($0) }
  }

  @Test func isWhatNftMakesOfTheSameRules() throws {
    let firewall = try FirewallSocket()
    try firewall.apply(FirewallLab.firstPolicy)
    let file = NSTemporaryDirectory() + "rules-\(getpid()).nft"
    try Files.write(Self.script, to: file, create: 0o600)
    try NetworkLab.run("nft -f \(file)")
    let ours = try objects(FirewallLab.first)
    let nfts = try objects("tst-by-nft")
    #expect(ours.count > 30)
    for object in Set(ours).symmetricDifference(nfts).sorted() { Issue.record("only on one side: \(object)") }
    // The order of the rules within a chain is not in the objects.
    #expect(try rules(FirewallLab.first) == rules("tst-by-nft"))
    #expect(Set(try firewall.tables()).isSuperset(of: [TableName(FirewallLab.first), TableName("tst-by-nft")]))
    try Files.removeFile(file)
    for table in [FirewallLab.first, "tst-by-nft"] { #expect(try firewall.delete(table: table)) }
    #expect(try !firewall.delete(table: FirewallLab.first))
    #expect(try firewall.tables().isEmpty)
    #expect(try NetworkLab.run("nft list ruleset").isEmpty)
  }

  /// The rules of a table as `nft` lists them, by chain and in order.
  private func rules(_ table: String) throws -> [String: String] {
    var rules: [String: String] = [:]
    for block in try NetworkLab.run("nft list table ip \(table)").components(separatedBy: "\n\n") {
      guard let start = block.range(of: "chain ") else { continue }
      let chain = block[start.upperBound...]
      rules[String(chain.prefix { $0 != " " })] = String(chain)
    }
    return rules
  }

  @Test func nothingOfOthersIsChanged() throws {
    try NetworkLab.run(
      """
      nft add table inet foreign
      nft 'add chain inet foreign forward { type filter hook forward priority 0; policy drop; }'
      nft add rule inet foreign forward counter accept
      nft add table ip nat; nft 'add chain ip nat POSTROUTING { type nat hook postrouting priority 100; }'
      nft add rule ip nat POSTROUTING oifname x masquerade
      """)
    let before = try NetworkLab.run("nft -a list ruleset")
    let firewall = try FirewallSocket()
    try firewall.apply(FirewallLab.firstPolicy)
    let during = try NetworkLab.run("nft -a list ruleset")
    #expect(during.hasPrefix(before) && during.count > before.count)
    try firewall.apply(FirewallLab.firstPolicy)
    try firewall.delete(table: FirewallLab.first)
    #expect(try NetworkLab.run("nft -a list ruleset") == before)
    try NetworkLab.run("nft delete table inet foreign; nft delete table ip nat")
  }

  @Test func failureLeavesWhatWasInForce() throws {
    let firewall = try FirewallSocket()
    try firewall.apply(FirewallLab.firstPolicy)
    let before = try NetworkLab.run("nft -a list ruleset")
    var contradiction = FirewallLab.firstPolicy
    contradiction.ports.append(.init(hostPort: 8080, transport: .tcp, destination: .a(9), destinationPort: 1))
    let error = #expect(throws: NetlinkError.self) { try firewall.apply(contradiction) }
    #expect(error?.intent == "add elements to set ports of nftables table ip tst-first")
    #expect(try NetworkLab.run("nft -a list ruleset") == before)
    // The socket is good for more.
    try firewall.apply(FirewallLab.firstPolicy)
    try firewall.delete(table: FirewallLab.first)
    #expect(try NetworkLab.run("nft list ruleset").isEmpty)
  }

  @Test func whatIsNoLongerMeantIsGone() throws {
    let firewall = try FirewallSocket()
    try firewall.apply(FirewallLab.firstPolicy)
    var less = FirewallLab.firstPolicy
    less.ports = []
    less.bridges.removeAll(where: \.isInternal)
    try firewall.apply(less)
    let table = try NetworkLab.run("nft list table ip \(FirewallLab.first)")
    for gone in ["8080", "8081", "tst-i", "10.203.0.1", "dnat ip to", "@ports", "@internal"] {
      #expect(!table.contains(gone), "\(gone)")
    }
    try firewall.delete(table: FirewallLab.first)
  }

  @Test func tableOfAnotherKindIsReplaced() throws {
    let firewall = try FirewallSocket()
    try firewall.apply(FirewallLab.firstPolicy)
    let expected = try rules(FirewallLab.first)
    try firewall.delete(table: FirewallLab.first)
    try NetworkLab.run(
      """
      nft add table ip \(FirewallLab.first)
      nft 'add set ip \(FirewallLab.first) bridges { type ipv4_addr; elements = { 10.0.0.1 }; }'
      nft 'add chain ip \(FirewallLab.first) forward { type nat hook postrouting priority 5; }'
      nft 'add chain ip \(FirewallLab.first) other'
      """)
    try firewall.apply(FirewallLab.firstPolicy)
    #expect(try rules(FirewallLab.first) == expected)
    try firewall.delete(table: FirewallLab.first)
  }

  @Test func theTablesOfAllFamiliesGoTogether() throws {
    let firewall = try FirewallSocket()
    var policy = FirewallLab.firstPolicy
    policy.forgers = [.init(interface: "tst-forger", address: .a(2))]
    try firewall.apply(policy)
    let both: Set = [TableName(FirewallLab.first), TableName(FirewallLab.first, family: .bridge)]
    #expect(Set(try firewall.tables()) == both)
    #expect(try firewall.delete(table: FirewallLab.first))
    #expect(try firewall.tables().isEmpty)
    try firewall.apply(policy)
    try NetworkLab.run("nft delete table ip \(FirewallLab.first)")
    #expect(try !firewall.delete(table: FirewallLab.first))
    #expect(try firewall.tables().isEmpty)
  }

  @Test func badNameIsAnErrorOfTheKernel() throws {
    let firewall = try FirewallSocket()
    let policy = NetworkPolicy(tableName: String(repeating: "x", count: 300), bridges: [])
    #expect(throws: NetlinkError.self) { try firewall.apply(policy) }
    #expect(try firewall.tables().isEmpty)
  }

  @Test func noConnectionFailsWhileTheTableIsReplaced() throws {
    try FirewallLab.with { lab in
      let result = NSTemporaryDirectory() + "connections-\(getpid())"
      let client = """
        import socket, sys, time
        print("ready", flush=True)
        bad, end = 0, time.monotonic() + 3
        while time.monotonic() < end:
            try:
                s = socket.create_connection(("192.0.2.1", 8080), 2)
                if not s.recv(100).startswith(b"a1"): bad += 1
                s.close()
            except OSError: bad += 1
        open(sys.argv[1], "w").write(str(bad))
        """
      try lab.lab.start(["/usr/bin/python3", "-c", client, result], in: "outside")
      var replacements = 0
      while !Files.exists(result) && replacements < 100_000 {
        try lab.firewall.apply(FirewallLab.firstPolicy)
        replacements += 1
      }
      // The file appears before it is written.
      try NetworkLab.run("sleep 0.1")
      #expect(try Files.text(result) == "0")
      #expect(replacements > 5)
      try Files.removeFile(result)
    }
  }

  @Test func aThousandPortsWorkAndAreFast() throws {
    try FirewallLab.with { lab in
      var policy = FirewallLab.firstPolicy
      for number in 0..<1000 {
        policy.ports.append(
          .init(hostPort: 10_000 + UInt16(number), transport: .tcp, destination: .a(2), destinationPort: 80))
      }
      let start = KernelClock.monotonic
      try lab.firewall.apply(policy)
      let milliseconds = (KernelClock.monotonic - start) / 1_000_000
      #expect(milliseconds < 1000)
      print("1,000 published ports in \(milliseconds) ms")
      let targets = ["tcp 192.0.2.1 10000", "tcp 192.0.2.1 10511", "tcp 192.0.2.1 10999", "tcp 192.0.2.1 11000"]
      let answer = "a1 192.0.2.2"
      #expect(try FirewallLab.ask(targets, from: "outside") == [answer, answer, answer, "-"])

      policy.ports = (1...20_000).map {
        .init(hostPort: $0, transport: .udp, destination: .a(2), destinationPort: 80)
      }
      try lab.firewall.apply(policy)
      #expect(try FirewallLab.ask(["udp 192.0.2.1 20000"], from: "outside") == [answer])
    }
  }
}
