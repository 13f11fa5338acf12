import InternetAddress

extension NetworkPolicy {
  /// The table that carries the policy out.
  ///
  /// A packet that concerns neither bridge nor port passes a few comparisons; a published port costs one look-up for a
  /// connection, however many there are.
  package var ruleset: Ruleset {
    var chains: [Chain] = []
    if !bridges.isEmpty { chains += [martians, forward, intoNetwork, masquerading, input, fromNetwork] }
    if bridges.contains(where: \.isInternal) { chains += [intoInternal, fromInternal] }
    if !ports.isEmpty { chains += [publishing, publishingLocally] }
    // All sets, filled or not: what was in one before a change does not stay there after it.
    let sets = [bridgeSet, internalSet, sameSet, resolverSet, guestSet, portMap, addressPortMap]
    return Ruleset(table: TableName(tableName), sets: sets, chains: chains)
  }

  // The base chains' priorities are those that nft(8) calls raw, dstnat, filter and srcnat.
  private static let raw: Int32 = -300
  private static let destinationNAT: Int32 = -100
  private static let filter: Int32 = 0
  private static let sourceNAT: Int32 = 100

  /// Bridges route 127.0.0.0/8, so that 127.0.0.1 leads to published ports: nothing on the wire may use that.
  private var martians: Chain {
    let comment = "loopback addresses on the wire"
    return Chain(
      name: "martians", hook: .init(kind: .filter, point: .prerouting, priority: Self.raw),
      rules: [
        Rule(.loopbackDestination + .inputInterface(in: "bridges"), .drop, comment),
        Rule(.loopbackSource + .inputInterface(in: "bridges"), .drop, comment),
      ])
  }

  private var forward: Chain {
    var rules: [Rule] = []
    if bridges.contains(where: \.isInternal) {
      rules = [
        Rule(.outputInterface(in: "internal"), .goTo("into-internal"), "to an internal network"),
        Rule(.inputInterface(in: "internal"), .drop, "nothing leaves an internal network"),
      ]
    }
    rules.append(Rule(.outputInterface(in: "bridges"), .goTo("into-network"), "to a network"))
    return Chain(name: "forward", hook: .init(kind: .filter, point: .forward, priority: Self.filter), rules: rules)
  }

  private var intoNetwork: Chain {
    Chain(
      name: "into-network", hook: nil,
      rules: [
        Rule(.answers, .accept, "answers"),
        Rule(.redirected, .accept, "published ports"),
        withinNetwork,
        Rule([], .drop, "everything else"),
      ])
  }

  private var intoInternal: Chain {
    Chain(name: "into-internal", hook: nil, rules: [withinNetwork, Rule([], .drop, "everything else")])
  }

  /// Packets between ports of a bridge come by here where net.bridge.bridge-nf-call-iptables is set.
  private var withinNetwork: Rule {
    Rule(.interfaces(in: "same"), .accept, "within a network")
  }

  private var input: Chain {
    var rules: [Rule] = []
    if bridges.contains(where: \.isInternal) {
      rules.append(
        Rule(.inputInterface(in: "internal"), .goTo("from-internal"), "to the host from an internal network"))
    }
    rules.append(Rule(.inputInterface(in: "bridges"), .goTo("from-network"), "to the host from a network"))
    return Chain(name: "input", hook: .init(kind: .filter, point: .input, priority: Self.filter), rules: rules)
  }

  private var fromNetwork: Chain {
    Chain(
      name: "from-network", hook: nil,
      rules: [
        Rule(.answers, .accept, "answers"),
        Rule(.destinationService(in: "resolvers"), .accept, "name resolution"),
        Rule(.controlMessages, .accept, "ping"),
        Rule(.source(in: "guests"), .accept, "guests of the host"),
        Rule(.connections, .reset, "all other connections"),
        Rule([], .refuse, "everything else"),
      ])
  }

  private var fromInternal: Chain {
    Chain(
      name: "from-internal", hook: nil,
      rules: [
        Rule(.answers, .accept, "answers"),
        Rule(.destinationService(in: "resolvers"), .accept, "name resolution"),
        Rule([], .drop, "everything else"),
      ])
  }

  private var publishing: Chain {
    Chain(
      name: "publishing", hook: .init(kind: .nat, point: .prerouting, priority: Self.destinationNAT),
      rules: [
        Rule(.destinationElsewhere, .accept, "not to the host"),
        // Where the machine routes 127.0.0.0/8 from elsewhere too, what is published at 127.0.0.1 still is the host's alone.
        Rule(.loopbackDestination, .accept, "not from the wire"),
      ] + publishedPorts)
  }

  private var publishingLocally: Chain {
    Chain(
      name: "publishing-locally", hook: .init(kind: .nat, point: .output, priority: Self.destinationNAT),
      rules: [Rule(.destinationElsewhere, .accept, "not to the host")] + publishedPorts)
  }

  private var publishedPorts: [Rule] {
    var rules: [Rule] = []
    if ports.contains(where: { $0.hostAddress != nil }) {
      rules.append(Rule(.destinationNAT(byAddressIn: "address-ports"), nil, "ports published at one address"))
    }
    if ports.contains(where: { $0.hostAddress == nil }) {
      rules.append(Rule(.destinationNAT(byPortIn: "ports"), nil, "ports published at every address"))
    }
    return rules
  }

  private var masquerading: Chain {
    var rules: [Rule] = []
    if !ports.isEmpty {
      rules.append(
        Rule(.loopbackSource + .outputInterface(in: "bridges") + [.masquerade], nil, "from the host by 127.0.0.1"))
    }
    for bridge in bridges where !bridge.isInternal {
      rules.append(
        Rule(
          .source(in: bridge.subnet) + .outputInterface(not: bridge.name) + [.masquerade], nil, "out of the network"))
      if ports.isEmpty { continue }
      // Without this the destination would answer its neighbour directly, and the neighbour knows of no such connection.
      rules.append(
        Rule(
          .source(in: bridge.subnet) + .outputInterface(bridge.name) + .redirected + [.masquerade], nil,
          "out by a published port and back in"))
    }
    return Chain(
      name: "masquerading", hook: .init(kind: .nat, point: .postrouting, priority: Self.sourceNAT), rules: rules)
  }
}

extension NetworkPolicy {
  private var bridgeSet: NamedSet {
    NamedSet(
      name: "bridges", key: [.interfaceName], value: [],
      elements: bridges.map { .init(Bytes.interface($0.name)) })
  }

  private var internalSet: NamedSet {
    NamedSet(
      name: "internal", key: [.interfaceName], value: [],
      elements: bridges.filter(\.isInternal).map { .init(Bytes.interface($0.name)) })
  }

  private var sameSet: NamedSet {
    NamedSet(
      name: "same", key: [.interfaceName, .interfaceName], value: [],
      elements: bridges.map { .init(Bytes.interface($0.name) + Bytes.interface($0.name)) })
  }

  private var resolverSet: NamedSet {
    NamedSet(
      name: "resolvers", key: [.ipv4Address, .internetProtocol, .internetService], value: [],
      elements: bridges.flatMap { bridge in
        [Transport.udp, .tcp].map {
          .init(Bytes.address(bridge.gateway) + Bytes.transport($0) + Bytes.port(53))
        }
      })
  }

  private var guestSet: NamedSet {
    NamedSet(name: "guests", key: [.ipv4Address], value: [], elements: guests.map { .init(Bytes.address($0)) })
  }

  private var portMap: NamedSet {
    NamedSet(
      name: "ports", key: [.internetProtocol, .internetService], value: [.ipv4Address, .internetService],
      elements: ports.filter { $0.hostAddress == nil }.map { .init($0.key, $0.target) })
  }

  private var addressPortMap: NamedSet {
    NamedSet(
      name: "address-ports", key: [.ipv4Address, .internetProtocol, .internetService],
      value: [.ipv4Address, .internetService],
      elements: ports.compactMap { port in
        port.hostAddress.map { .init(Bytes.address($0) + port.key, port.target) }
      })
  }
}

extension NetworkPolicy.PublishedPort {
  fileprivate var key: [UInt8] { Bytes.transport(transport) + Bytes.port(hostPort) }
  fileprivate var target: [UInt8] { Bytes.address(destination) + Bytes.port(destinationPort) }
}

extension Rule {
  /// - Parameter verdict: nil when the last expression gives one.
  init(_ expressions: [Expression], _ verdict: Verdict?, _ comment: String) {
    self.init(comment: comment, expressions: expressions + (verdict.map { [.verdict($0)] } ?? []))
  }
}
