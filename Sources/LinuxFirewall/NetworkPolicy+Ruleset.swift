import InternetAddress

extension NetworkPolicy {
  /// The table that carries the policy out.
  ///
  /// A packet that concerns neither bridge nor port passes a few comparisons; a published port costs one look-up for a
  /// connection, however many there are.
  package var ruleset: Ruleset {
    var chains: [Chain] = []
    if !bridges.isEmpty { chains += [martians, forward, intoNetwork, masquerading] }
    if bridges.contains(where: \.isInternal) { chains += [intoInternal, input, fromInternal] }
    if !ports.isEmpty { chains += [publishing, publishingLocally] }
    let sets = [bridgeSet, internalSet, sameSet, resolverSet, portMap, addressPortMap]
    return Ruleset(table: tableName, sets: sets.filter { !$0.elements.isEmpty }, chains: chains)
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
        Rule(comment, .loopbackDestination, .inputInterface(in: "bridges"), then: .verdict(.drop)),
        Rule(comment, .loopbackSource, .inputInterface(in: "bridges"), then: .verdict(.drop)),
      ])
  }

  private var forward: Chain {
    var rules: [Rule] = []
    if bridges.contains(where: \.isInternal) {
      rules = [
        Rule("to an internal network", .outputInterface(in: "internal"), then: .verdict(.goTo("into-internal"))),
        Rule("nothing leaves an internal network", .inputInterface(in: "internal"), then: .verdict(.drop)),
      ]
    }
    rules.append(Rule("to a network", .outputInterface(in: "bridges"), then: .verdict(.goTo("into-network"))))
    return Chain(name: "forward", hook: .init(kind: .filter, point: .forward, priority: Self.filter), rules: rules)
  }

  private var intoNetwork: Chain {
    Chain(
      name: "into-network", hook: nil,
      rules: [
        Rule("answers", .answers, then: .verdict(.accept)),
        Rule("published ports", .redirected, then: .verdict(.accept)),
        withinNetwork,
        everythingElse,
      ])
  }

  private var intoInternal: Chain {
    Chain(name: "into-internal", hook: nil, rules: [withinNetwork, everythingElse])
  }

  /// Packets between ports of a bridge come by here where net.bridge.bridge-nf-call-iptables is set.
  private var withinNetwork: Rule {
    Rule("within a network", .interfaces(in: "same"), then: .verdict(.accept))
  }

  private var everythingElse: Rule {
    Rule("everything else", then: .verdict(.drop))
  }

  private var input: Chain {
    Chain(
      name: "input", hook: .init(kind: .filter, point: .input, priority: Self.filter),
      rules: [
        Rule(
          "to the host from an internal network", .inputInterface(in: "internal"),
          then: .verdict(.goTo("from-internal")))
      ])
  }

  private var fromInternal: Chain {
    Chain(
      name: "from-internal", hook: nil,
      rules: [
        Rule("answers", .answers, then: .verdict(.accept)),
        Rule("name resolution", .destinationService(in: "resolvers"), then: .verdict(.accept)),
        everythingElse,
      ])
  }

  private var publishing: Chain {
    // Where the machine routes 127.0.0.0/8 from elsewhere too, what is published at 127.0.0.1 still is the host's alone.
    let guards = [notToHost, Rule("not from the wire", .loopbackDestination, then: .verdict(.accept))]
    return Chain(
      name: "publishing", hook: .init(kind: .nat, point: .prerouting, priority: Self.destinationNAT),
      rules: guards + publishedPorts)
  }

  private var publishingLocally: Chain {
    Chain(
      name: "publishing-locally", hook: .init(kind: .nat, point: .output, priority: Self.destinationNAT),
      rules: [notToHost] + publishedPorts)
  }

  private var notToHost: Rule {
    Rule("not to the host", .destinationElsewhere, then: .verdict(.accept))
  }

  private var publishedPorts: [Rule] {
    var rules: [Rule] = []
    if ports.contains(where: { $0.hostAddress != nil }) {
      rules.append(Rule("ports published at one address", .destinationNAT(byAddressIn: "address-ports")))
    }
    if ports.contains(where: { $0.hostAddress == nil }) {
      rules.append(Rule("ports published at every address", .destinationNAT(byPortIn: "ports")))
    }
    return rules
  }

  private var masquerading: Chain {
    var rules: [Rule] = []
    if !ports.isEmpty {
      rules.append(
        Rule("from the host by 127.0.0.1", .loopbackSource, .outputInterface(in: "bridges"), then: .masquerade))
    }
    for bridge in bridges where !bridge.isInternal {
      rules.append(
        Rule("out of the network", .source(in: bridge.subnet), .outputInterface(not: bridge.name), then: .masquerade))
      if ports.isEmpty { continue }
      // Without this the destination would answer its neighbour directly, and the neighbour knows of no such connection.
      rules.append(
        Rule(
          "out by a published port and back in", .source(in: bridge.subnet), .outputInterface(bridge.name), .redirected,
          then: .masquerade))
    }
    return Chain(
      name: "masquerading", hook: .init(kind: .nat, point: .postrouting, priority: Self.sourceNAT), rules: rules)
  }
}

extension NetworkPolicy {
  private var bridgeSet: NamedSet {
    NamedSet(
      name: "bridges", key: [.interfaceName], value: [],
      elements: bridges.map { NamedSet.Element(Bytes.interface($0.name)) })
  }

  private var internalSet: NamedSet {
    NamedSet(
      name: "internal", key: [.interfaceName], value: [],
      elements: bridges.filter(\.isInternal).map { NamedSet.Element(Bytes.interface($0.name)) })
  }

  private var sameSet: NamedSet {
    NamedSet(
      name: "same", key: [.interfaceName, .interfaceName], value: [],
      elements: bridges.map { NamedSet.Element(Bytes.interface($0.name) + Bytes.interface($0.name)) })
  }

  private var resolverSet: NamedSet {
    NamedSet(
      name: "resolvers", key: [.ipv4Address, .internetProtocol, .internetService], value: [],
      elements: bridges.filter(\.isInternal).flatMap { bridge in
        [Transport.udp, .tcp].map {
          NamedSet.Element(Bytes.address(bridge.gateway) + Bytes.transport($0) + Bytes.port(53))
        }
      })
  }

  private var portMap: NamedSet {
    NamedSet(
      name: "ports", key: [.internetProtocol, .internetService], value: [.ipv4Address, .internetService],
      elements: ports.filter { $0.hostAddress == nil }.map { NamedSet.Element($0.key, $0.target) })
  }

  private var addressPortMap: NamedSet {
    NamedSet(
      name: "address-ports", key: [.ipv4Address, .internetProtocol, .internetService],
      value: [.ipv4Address, .internetService],
      elements: ports.compactMap { port in
        port.hostAddress.map { NamedSet.Element(Bytes.address($0) + port.key, port.target) }
      })
  }
}

extension NetworkPolicy.PublishedPort {
  fileprivate var key: [UInt8] { Bytes.transport(transport) + Bytes.port(hostPort) }
  fileprivate var target: [UInt8] { Bytes.address(destination) + Bytes.port(destinationPort) }
}

extension Rule {
  /// - Parameters:
  ///   - matches: those of `Rule+Matches.swift`, one after the other.
  ///   - action: nil when the last match comes with one.
  fileprivate init(_ comment: String, _ matches: [Expression]..., then action: Expression? = nil) {
    var expressions = matches.flatMap { $0 }
    if let action { expressions.append(action) }
    self.init(comment: comment, expressions: expressions)
  }
}
