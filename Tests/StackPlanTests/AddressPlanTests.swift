import InternetAddress
import StackModel
import StackPlan
import TestSupport
import Testing

@Suite struct AddressPlanTests {
  private func stack(_ networks: [Network], _ services: [(String, [NetworkAttachment])]) -> Stack {
    var stack = Stack(name: "p", directory: "/p", networks: networks)
    stack.services = services.map { name, attachments in
      var service = Service(name: name, root: .host)
      service.networkMode = .networks(attachments)
      return service
    }
    return stack
  }

  private func network(_ key: String, _ subnet: String? = nil, gateway: String? = nil) -> Network {
    var network = Network(key: key, name: "p_\(key)")
    network.subnet = subnet.flatMap { IPv4Subnet($0) }
    network.gateway = gateway.flatMap { IPv4Address($0) }
    return network
  }

  private func on(_ key: String, _ address: String? = nil) -> NetworkAttachment {
    var attachment = NetworkAttachment(network: key)
    attachment.address = address.flatMap { IPv4Address($0) }
    return attachment
  }

  private func problems(_ stack: Stack, occupied: [IPv4Subnet] = []) -> [AddressProblem.Kind] {
    do {
      _ = try AddressPlan(stack, occupied: occupied)
      return []
    } catch {
      return error.problems.map(\.kind)
    }
  }

  private func ip(_ text: String) throws -> IPv4Address { try #require(IPv4Address(text)) }
  private func net(_ text: String) throws -> IPv4Subnet { try #require(IPv4Subnet(text)) }

  @Test func `addresses are chosen from the range, without those of others`() throws {
    var network = network("n", "10.5.0.0/16")
    network.range = try net("10.5.3.0/30")
    network.reserved = [try ip("10.5.3.1")]
    let services = [("a", [on("n")]), ("b", [on("n", "10.5.9.9")]), ("c", [on("n")]), ("d", [on("n")])]
    let plan = try AddressPlan(stack([network], services))
    #expect(
      ["a", "b", "c", "d"].map { plan.address(of: $0, on: "n")?.description } == [
        "10.5.3.0", "10.5.9.9", "10.5.3.2", "10.5.3.3",
      ])
    #expect(plan.networks["n"]?.gateway == (try ip("10.5.0.1")))
    #expect(
      problems(stack([network], services + [("e", [on("n")])])) == [
        .subnetTooSmall(try net("10.5.3.0/30"), endpoints: 5)
      ])
    // An address of before that is outside is given up.
    var whole = network
    (whole.range, whole.reserved) = (nil, nil)
    let previous = try AddressPlan(stack([whole], services))
    #expect(try AddressPlan(stack([network], services), previous: previous) == plan)
  }

  @Test func `addresses follow the order of the file, fixed ones and the gateway are left free`() throws {
    let stack = stack(
      [network("default", "10.5.0.0/24"), network("back", "10.6.0.0/29", gateway: "10.6.0.3")],
      [
        ("web", [on("default")]), ("api", [on("default"), on("back", "10.6.0.1")]), ("db", [on("back")]),
        ("pin", [on("default", "10.5.0.2")]),
      ])
    let plan = try AddressPlan(stack)
    #expect(plan.networks["default"]?.gateway == (try ip("10.5.0.1")))
    #expect(plan.networks["back"]?.gateway == (try ip("10.6.0.3")))
    #expect(plan.address(of: "web", on: "default") == (try ip("10.5.0.3")))
    #expect(plan.address(of: "api", on: "default") == (try ip("10.5.0.4")))
    #expect(plan.address(of: "pin", on: "default") == (try ip("10.5.0.2")))
    #expect(plan.address(of: "api", on: "back") == (try ip("10.6.0.1")))
    #expect(plan.address(of: "db", on: "back") == (try ip("10.6.0.2")))
    #expect(plan.address(of: "web", on: "back") == nil)
  }

  @Test func `the same stack has the same subnet, in the pool; others have others`() throws {
    let stack = stack([network("default"), network("back")], [("a", [on("default"), on("back")])])
    let plan = try AddressPlan(stack)
    #expect(try AddressPlan(stack) == plan)
    let subnets = plan.networks.values.map(\.subnet)
    #expect(Set(subnets).count == 2)
    let pool = try net("10.192.0.0/11")
    for subnet in subnets {
      #expect(subnet.prefixLength == 24 && pool.contains(subnet.base))
    }
    // Pinned: another build must find the same subnets, or running stacks would change.
    #expect(plan.networks["default"]?.subnet.description == "10.216.196.0/24")
  }

  @Test func `subnets in use are stepped over`() throws {
    let stack = stack([network("default")], [("a", [on("default")])])
    var occupied: [IPv4Subnet] = [try net("0.0.0.0/0")]
    for _ in 0..<50 {
      let chosen = try #require(try AddressPlan(stack, occupied: occupied).networks["default"]).subnet
      #expect(!occupied.dropFirst().contains { $0.overlaps(chosen) })
      occupied.append(chosen)
    }
    #expect(problems(stack, occupied: [try net("10.0.0.0/8")]) == [.noFreeSubnet])
    // One free subnet among 8192 is found.
    let all = (UInt32(0)..<8192).compactMap { number in
      IPv4Subnet(base: IPv4Address(value: 0x0AC0_0000 + number << 8), prefixLength: 24)
    }
    let plan = try AddressPlan(stack, occupied: all.filter { $0.description != "10.200.7.0/24" })
    #expect(plan.networks["default"]?.subnet.description == "10.200.7.0/24")
  }

  @Test(arguments: [(0, 24), (1, 24), (250, 24), (251, 23), (506, 23), (507, 22), (5000, 19)])
  func `a network has room for its services`(endpoints: Int, prefixLength: Int) throws {
    let stack = stack([network("default")], (0..<endpoints).map { ("s\($0)", [on("default")]) })
    let plan = try AddressPlan(stack)
    let addresses = try #require(plan.networks["default"])
    #expect(addresses.subnet.prefixLength == prefixLength)
    let given = plan.services.values.compactMap { $0["default"] }
    #expect(given.count == endpoints && Set(given).count == endpoints)
    for address in given {
      #expect(addresses.subnet.contains(address) && address != addresses.gateway)
      #expect(address != addresses.subnet.base && address != addresses.subnet.broadcast)
    }
  }

  @Test func `an edit changes nothing else`() throws {
    let networks = [network("default")]
    let first = try AddressPlan(
      stack(networks, [("a", [on("default")]), ("b", [on("default")]), ("c", [on("default")])]))
    let edited = stack(networks, [("new", [on("default")]), ("c", [on("default")]), ("b", [on("default")])])
    let second = try AddressPlan(edited, previous: first)
    #expect(second.networks == first.networks)
    #expect(second.address(of: "b", on: "default") == first.address(of: "b", on: "default"))
    #expect(second.address(of: "c", on: "default") == first.address(of: "c", on: "default"))
    // What a left is free again.
    #expect(second.address(of: "new", on: "default") == first.address(of: "a", on: "default"))
    // A new fixed address wins over a kept one.
    let taken = try #require(first.address(of: "b", on: "default"))
    let pinned = stack(networks, [("b", [on("default")]), ("pin", [on("default", taken.description)])])
    let third = try AddressPlan(pinned, previous: first)
    #expect(third.address(of: "pin", on: "default") == taken)
    #expect(third.address(of: "b", on: "default") != taken)
  }

  @Test func `a subnet that no longer fits or is in use is given up`() throws {
    let small = try AddressPlan(stack([network("default")], [("a", [on("default")])]))
    let many = stack([network("default")], (0..<300).map { ("s\($0)", [on("default")]) })
    #expect(try AddressPlan(many, previous: small).networks["default"]?.subnet.prefixLength == 23)
    let one = stack([network("default")], [("a", [on("default")])])
    let used = try #require(small.networks["default"]).subnet
    let moved = try AddressPlan(one, occupied: [used], previous: small)
    #expect(moved.networks["default"]?.subnet != used)
    let subnet = try #require(moved.networks["default"]).subnet
    #expect(subnet.contains(try #require(moved.address(of: "a", on: "default"))))
  }

  @Test func `problems are told all at once`() throws {
    let stack = stack(
      [
        network("a", "10.5.0.0/29"), network("b", "10.5.0.0/16"), network("c", "10.7.0.0/24", gateway: "10.8.0.1"),
        network("d", "10.9.0.0/31"), network("e", "192.168.7.0/24"),
      ],
      [
        ("s1", [on("a", "10.5.0.3")]), ("s2", [on("a", "10.5.0.3")]), ("s3", [on("a", "10.5.0.7")]),
        ("s4", [on("a", "10.5.0.0")]), ("s5", [on("a", "10.5.0.1")]), ("s6", [on("a", "10.6.0.1")]),
      ])
    let kinds = problems(stack, occupied: [try net("192.168.0.0/16")])
    let a = try net("10.5.0.0/29")
    #expect(
      kinds == [
        .sameSubnet(try net("10.5.0.0/16"), asNetwork: "a"),
        .gatewayNotUsable(try ip("10.8.0.1"), try net("10.7.0.0/24")),
        .gatewayNotUsable(try ip("10.9.0.1"), try net("10.9.0.0/31")),
        .subnetInUse(try net("192.168.7.0/24"), by: try net("192.168.0.0/16")),
        .sameAddress(try ip("10.5.0.3"), service: "s2", asService: "s1"),
        .addressNotUsable(try ip("10.5.0.7"), a, service: "s3"),
        .addressNotUsable(try ip("10.5.0.0"), a, service: "s4"),
        .addressNotUsable(try ip("10.5.0.1"), a, service: "s5"),
        .addressNotUsable(try ip("10.6.0.1"), a, service: "s6"),
      ])
    let full = self.stack([network("a", "10.5.0.0/29")], (0..<6).map { ("s\($0)", [on("a")]) })
    #expect(problems(full) == [.subnetTooSmall(a, endpoints: 6)])
    for text in ["0.0.0.0/0", "255.255.255.255/32", "255.255.255.252/30", "0.0.0.0/32"] {
      _ = problems(self.stack([network("a", text)], [("s", [on("a")])]))
    }
  }

  @Test func `external networks keep their addresses and those who have them`() throws {
    var external = network("front")
    external.isExternal = true
    let stack = stack([external], [("web", [on("front")])])
    #expect(problems(stack) == [.missingExternalNetwork(name: external.name)])
    let addresses = AddressPlan.NetworkAddresses(subnet: try net("10.1.0.0/24"), gateway: try ip("10.1.0.1"))
    let found = ExternalNetwork(addresses, used: [try ip("10.1.0.2"), try ip("10.1.0.3")])
    let plan = try AddressPlan(stack, occupied: [addresses.subnet], external: ["front": found])
    #expect(plan.networks["front"] == addresses)
    #expect(plan.address(of: "web", on: "front") == (try ip("10.1.0.4")))
  }

  @Test func `services without networks have no address`() throws {
    var stack = stack([network("default")], [("a", [on("default")])])
    stack.services[0].networkMode = .host
    #expect(try AddressPlan(stack).services.isEmpty)
  }
}
