import Foundation
import InternetAddress
import LinuxNetlink
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@Suite(.serialized, .privateNamespace)
struct RouteSocketTests {
  private func bridge(_ name: String = "tst-br") throws -> BridgeSpecification {
    BridgeSpecification(
      name: name, macAddress: MACAddress(of: try #require(IPv4Address("10.77.0.1"))),
      address: try #require(IPv4Address("10.77.0.1")), prefixLength: 24, group: 4711)
  }

  private func withLab(_ body: (NetworkLab) throws -> Void) throws {
    let lab = try NetworkLab()
    var failure: (any Error)?
    do { try body(lab) } catch { failure = error }
    let route = try RouteSocket()
    for group: UInt32 in [4711, 4712] { try route.deleteLinks(group: group) }
    try lab.remove()
    if let failure { throw failure }
  }

  private func veth(_ number: Int, bridge: Int32, _ namespace: VethSpecification.NetworkNamespace) -> VethSpecification
  {
    VethSpecification(
      hostName: "tst-v\(number)", bridge: bridge, group: 4712, mtu: 1400, peerName: "eth0",
      peerAddress: MACAddress(value: 0x0242_0a4d_0000 + UInt64(number)), peerNamespace: namespace)
  }

  @Test func bridgeIsAsSpecified() throws {
    try withLab { _ in
      let route = try RouteSocket()
      let index = try route.createBridge(try bridge())
      let link = try #require(try NetworkLab.json("ip -j -d address show dev tst-br").first)
      #expect(link["ifindex"] as? Int32 == index)
      #expect(link["address"] as? String == "02:42:0a:4d:00:01")
      #expect((link["flags"] as? [String])?.contains("UP") == true)
      #expect(link["group"] as? String == "4711")
      let data = (link["linkinfo"] as? [String: Any])?["info_data"] as? [String: Any]
      #expect(data?["stp_state"] as? Int == 0)
      let address = (link["addr_info"] as? [[String: Any]])?.first { $0["family"] as? String == "inet" }
      #expect(address?["local"] as? String == "10.77.0.1")
      #expect(address?["prefixlen"] as? Int == 24)
      #expect(address?["broadcast"] as? String == "10.77.0.255")

      let told = try #require(try route.link(named: "tst-br"))
      #expect(told.index == index && told.kind == "bridge" && told.group == 4711 && told.isUp && told.mtu == 1500)
      #expect(told.address?.description == "02:42:0a:4d:00:01" && told.master == nil)
      #expect(try route.links().first { $0.name == "tst-br" } == told)
      let subnet = IPv4Subnet("10.77.0.0/24")
      #expect(try route.addresses().contains { $0.interface == index && $0.address == IPv4Address("10.77.0.1") })
      #expect(try route.routes().contains { $0.interface == index && $0.destination == subnet && $0.gateway == nil })
    }
  }

  @Test func takenNameIsSaidSoAndKept() throws {
    try withLab { _ in
      let route = try RouteSocket()
      let index = try route.createBridge(try bridge())
      let error = #expect(throws: NetlinkError.self) { try route.createBridge(try bridge()) }
      #expect(error?.errno == .fileExists)
      #expect(error?.description == "create bridge tst-br: File exists")
      #expect(try route.link(named: "tst-br")?.index == index)
    }
  }

  @Test func bridgeThatCannotHaveItsAddressIsNotLeft() throws {
    try withLab { _ in
      let route = try RouteSocket()
      var specification = try bridge()
      specification.prefixLength = 33
      let error = #expect(throws: NetlinkError.self) { try route.createBridge(specification) }
      #expect(error?.intent == "give tst-br the address 10.77.0.1/33")
      #expect(try route.link(named: "tst-br") == nil)
    }
  }

  @Test func kernelTextIsKept() throws {
    try withLab { _ in
      let route = try RouteSocket()
      var specification = try bridge()
      specification.mtu = 1 << 20
      let error = #expect(throws: NetlinkError.self) { try route.createBridge(specification) }
      #expect(error?.errno == .invalidArgument)
      #expect(error?.detail?.contains("mtu") == true)
    }
  }

  @Test(arguments: ["", "a/b", "a b", "..", "name-of-16-bytes", "a:b"])
  func namesThatNoInterfaceCanHaveAreRefused(_ name: String) throws {
    let route = try RouteSocket()
    #expect(throws: NetlinkError.self) { try route.createBridge(try bridge(name)) }
    #expect(throws: NetlinkError.self) { try route.deleteLink(named: name) }
  }

  @Test(arguments: [false, true])
  func vethHasOneEndHereAndOneThere(byProcess: Bool) throws {
    try withLab { lab in
      try lab.addNamespace("tst-c")
      let route = try RouteSocket()
      let bridge = try route.createBridge(try bridge())
      let file = try Files.open(NetworkLab.path("tst-c"))
      let pid = try lab.start(["sh", "-c", "echo ready; exec sleep 60"], in: "tst-c")
      var specification = veth(1, bridge: bridge, byProcess ? .process(pid) : .descriptor(file.borrowed))
      specification.hairpin = true
      try route.createVeth(specification)

      let host = try #require(try NetworkLab.json("ip -j -d link show dev tst-v1").first)
      #expect(host["master"] as? String == "tst-br")
      #expect(host["group"] as? String == "4712")
      #expect(host["mtu"] as? Int == 1400)
      #expect((host["flags"] as? [String])?.contains("UP") == true)
      #expect(host["num_tx_queues"] as? Int == 1 && host["num_rx_queues"] as? Int == 1)
      let port = (host["linkinfo"] as? [String: Any])?["info_slave_data"] as? [String: Any]
      #expect(port?["hairpin"] as? Bool == true)
      let peer = try #require(try NetworkLab.json("ip -j -d link show dev eth0", in: "tst-c").first)
      #expect(peer["address"] as? String == "02:42:0a:4d:00:01")
      #expect(peer["mtu"] as? Int == 1400)
      #expect(peer["num_tx_queues"] as? Int == 1 && peer["num_rx_queues"] as? Int == 1)
      #expect((peer["flags"] as? [String])?.contains("UP") == false)

      #expect(throws: NetlinkError.self) { try route.createVeth(specification) }
      #expect(try route.link(named: "tst-v1")?.master == bridge, "the pair that was there still is")
      #expect(try route.deleteLink(named: "tst-v1"))
      #expect(try !route.deleteLink(named: "tst-v1"))
    }
  }

  @Test func whatWasTakenFromAnInterfaceIsGivenBack() throws {
    try withLab { lab in
      try lab.addNamespace("tst-c")
      let route = try RouteSocket()
      let bridge = try route.createBridge(try bridge())
      let file = try Files.open(NetworkLab.path("tst-c"))
      var specification = veth(1, bridge: bridge, .descriptor(file.borrowed))
      specification.hairpin = true
      try route.createVeth(specification)
      _ = try NetworkLab.run("ip link set tst-v1 down nomaster group 3; ip address flush dev tst-br")
      let link = try #require(try route.link(named: "tst-v1"))
      try route.restore(link, group: 4712, bridge: bridge, hairpin: true)
      let host = try #require(try NetworkLab.json("ip -j -d link show dev tst-v1").first)
      #expect(host["master"] as? String == "tst-br")
      #expect(host["group"] as? String == "4712")
      #expect((host["flags"] as? [String])?.contains("UP") == true)
      let port = (host["linkinfo"] as? [String: Any])?["info_slave_data"] as? [String: Any]
      #expect(port?["hairpin"] as? Bool == true)

      let own = try #require(try route.link(named: "tst-br"))
      let address = try #require(IPv4Address("10.77.0.1"))
      try route.add(address, prefixLength: 24, to: own)
      #expect(try route.addresses().contains { $0.interface == own.index && $0.address == address })
      let error = #expect(throws: NetlinkError.self) { try route.add(address, prefixLength: 24, to: own) }
      #expect(error?.errno == .fileExists)
    }
  }

  @Test func takenPeerNameLeavesNoEnd() throws {
    try withLab { lab in
      try lab.addNamespace("tst-c")
      let route = try RouteSocket()
      let bridge = try route.createBridge(try bridge())
      let file = try Files.open(NetworkLab.path("tst-c"))
      try route.createVeth(veth(1, bridge: bridge, .descriptor(file.borrowed)))
      let error = #expect(throws: NetlinkError.self) {
        try route.createVeth(veth(2, bridge: bridge, .descriptor(file.borrowed)))
      }
      #expect(error?.errno == .fileExists)
      #expect(try route.link(named: "tst-v2") == nil)
    }
  }

  @Test func insideIsConfigured() throws {
    try withLab { lab in
      try lab.addNamespace("tst-c")
      let route = try RouteSocket()
      let bridge = try route.createBridge(try bridge())
      let file = try Files.open(NetworkLab.path("tst-c"))
      try route.createVeth(veth(2, bridge: bridge, .descriptor(file.borrowed)))
      let gateway = try #require(IPv4Address("10.77.0.1"))
      let address = try #require(IPv4Address("10.77.0.2"))
      let configuration = InterfaceConfiguration(
        interfaces: [.init(name: "eth0", address: address, prefixLength: 24)], gateway: gateway)
      // A socket stays with the namespace in which it was opened.
      let inner = try NetworkLab.inside("tst-c") { try RouteSocket() }
      try inner.configure(configuration)

      let links = try NetworkLab.json("ip -j address", in: "tst-c")
      #expect(links.count == 2)
      for link in links { #expect((link["flags"] as? [String])?.contains("UP") == true) }
      let routes = try NetworkLab.json("ip -j route", in: "tst-c")
      #expect(routes.first { $0["dst"] as? String == "default" }?["gateway"] as? String == "10.77.0.1")
      #expect(try inner.routes().contains { $0.destination.prefixLength == 0 && $0.gateway == gateway })
      try NetworkLab.run("busybox ping -c 1 -W 2 10.77.0.1", in: "tst-c")

      let missing = InterfaceConfiguration(interfaces: [.init(name: "eth7", address: address, prefixLength: 24)])
      let error = #expect(throws: NetlinkError.self) { try inner.configure(missing) }
      #expect(error?.errno == .noSuchDevice)
      let again = #expect(throws: NetlinkError.self) { try inner.configure(configuration) }
      #expect(again?.intent == "give eth0 the address 10.77.0.2/24")
    }
  }

  @Test func loopbackAloneIsConfigured() throws {
    try withLab { lab in
      try lab.addNamespace("tst-c")
      try NetworkLab.inside("tst-c") {
        let route = try RouteSocket()
        try route.configure(InterfaceConfiguration())
        #expect(try route.links().map(\.name) == ["lo"])
        #expect(try route.link(named: "lo")?.isUp == true)
      }
    }
  }

  @Test func groupGoesAtOnceAndAlone() throws {
    try withLab { lab in
      let route = try RouteSocket()
      let bridge = try route.createBridge(try bridge())
      for number in 1...20 {
        try lab.addNamespace("tst-c\(number)")
        let file = try Files.open(NetworkLab.path("tst-c\(number)"))
        try route.createVeth(veth(number, bridge: bridge, .descriptor(file.borrowed)))
      }
      #expect(try route.links().count { $0.group == 4712 } == 20)
      #expect(try route.deleteLinks(group: 4712))
      #expect(try route.links().count { $0.group == 4712 } == 0)
      #expect(try route.link(named: "tst-br") != nil)
      #expect(try !route.deleteLinks(group: 4712))
      #expect(throws: NetlinkError.self) { try route.deleteLinks(group: 0) }
      #expect(try route.link(named: "lo") != nil)
    }
  }
}
