import Foundation
import InternetAddress
import LinuxFirewall
import LinuxNetlink
import LinuxSystem
import TestSupport
import Testing

/// A host with two groups of networks, and other machines around it, wholly inside the tests' private namespace.
///
/// The host has 192.0.2.1 and 192.0.2.10 towards `outside` (192.0.2.2), 198.51.100.1 towards `evil`. The first group has
/// bridge tst-a (10.201.0.0/24: a1, a2, a3) and the internal tst-i (10.203.0.0/24: i1, i2), the second tst-b (10.202.0.0/24:
/// b1). Everyone answers on TCP 80 and 81 and UDP 80 with its name and the address it is asked from; the host on 5432 and 53,
/// and on 5433 at 127.0.0.1.
final class FirewallLab {
  static let first = "tst-first"
  static let second = "tst-second"

  let lab: NetworkLab
  let firewall: FirewallSocket

  static let firstPolicy = NetworkPolicy(
    tableName: first,
    bridges: [
      .init(name: "tst-a", subnet: .a, gateway: .a(1)),
      .init(name: "tst-i", subnet: .i, gateway: .i(1), isInternal: true),
    ],
    ports: [
      .init(hostPort: 8080, transport: .tcp, destination: .a(2), destinationPort: 80),
      .init(hostPort: 8080, transport: .udp, destination: .a(2), destinationPort: 80),
      .init(
        hostAddress: IPv4Address("127.0.0.1"), hostPort: 8081, transport: .tcp, destination: .a(3), destinationPort: 80),
      .init(
        hostAddress: IPv4Address("192.0.2.1"), hostPort: 8082, transport: .tcp, destination: .a(3), destinationPort: 80),
    ],
    guests: [.a(4)])

  static let secondPolicy = NetworkPolicy(
    tableName: second, bridges: [.init(name: "tst-b", subnet: .b, gateway: .b(1))],
    ports: [.init(hostPort: 9090, transport: .tcp, destination: .b(2), destinationPort: 80)])

  static func with(bridgesCallFirewall: Bool = true, _ body: (FirewallLab) throws -> Void) throws {
    let lab = FirewallLab(lab: try NetworkLab(), firewall: try FirewallSocket())
    var failure: (any Error)?
    do {
      try lab.build(bridgesCallFirewall: bridgesCallFirewall)
      try body(lab)
    } catch { failure = error }
    try lab.tearDown()
    if let failure { throw failure }
  }

  private init(lab: NetworkLab, firewall: FirewallSocket) {
    self.lab = lab
    self.firewall = firewall
  }

  private func build(bridgesCallFirewall: Bool) throws {
    try NetworkLab.run(
      "modprobe br_netfilter 2>/dev/null; echo \(bridgesCallFirewall ? 1 : 0) > /proc/sys/net/bridge/bridge-nf-call-iptables"
    )
    #expect(HostForwarding.bridgesCallFirewall == bridgesCallFirewall)
    try NetworkLab.run("echo 0 > /proc/sys/net/ipv4/ip_forward")
    #expect(try HostForwarding.enable())
    #expect(try !HostForwarding.enable())
    let route = try RouteSocket()
    for (letter, subnet, hosts) in [("a", IPv4Subnet.a, 3), ("b", IPv4Subnet.b, 1), ("i", IPv4Subnet.i, 2)] {
      let gateway = IPv4Address(value: subnet.base.value + 1)
      let bridge = try route.createBridge(
        .init(name: "tst-\(letter)", macAddress: MACAddress(of: gateway), address: gateway, prefixLength: 24, group: 77)
      )
      try HostForwarding.prepare(bridge: "tst-\(letter)", isInternal: letter == "i")
      for number in 1...hosts {
        let address = IPv4Address(value: subnet.base.value + 1 + UInt32(number))
        try addContainer("\(letter)\(number)", address, gateway, bridge, route)
      }
    }
    try addMachine("outside", "tst-up0", host: "192.0.2.1", "192.0.2.2")
    try NetworkLab.run("ip address add 192.0.2.10/24 dev tst-up0")
    try addMachine("evil", "tst-up1", host: "198.51.100.1", "198.51.100.2")
    try serve("host", ["tcp:0.0.0.0:5432", "tcp:127.0.0.1:5433", "tcp:0.0.0.0:53", "udp:0.0.0.0:53"], in: nil)
    try firewall.apply(Self.firstPolicy)
    try firewall.apply(Self.secondPolicy)
  }

  private func addContainer(
    _ name: String, _ address: IPv4Address, _ gateway: IPv4Address, _ bridge: Int32, _ route: RouteSocket
  ) throws {
    try lab.addNamespace(name)
    let namespace = try Files.open(NetworkLab.path(name))
    try route.createVeth(
      .init(
        hostName: "tst-v\(name)", bridge: bridge, group: 77, peerName: "eth0", peerAddress: MACAddress(of: address),
        peerNamespace: .descriptor(namespace.borrowed), hairpin: HostForwarding.bridgesCallFirewall))
    try NetworkLab.inside(name) {
      let inner = try RouteSocket()
      // Internal networks too have a way to the host here: that nothing comes of it is for the firewall to see to.
      try inner.configure(
        .init(interfaces: [.init(name: "eth0", address: address, prefixLength: 24)], gateway: gateway))
    }
    try serve(name, ["tcp:0.0.0.0:80", "tcp:0.0.0.0:81", "udp:0.0.0.0:80"], in: name)
  }

  private func addMachine(_ name: String, _ link: String, host: String, _ address: String) throws {
    try lab.addNamespace(name)
    try NetworkLab.run(
      """
      set -e
      ip link add \(link) group 77 type veth peer name eth0 netns \(name)
      ip address add \(host)/24 dev \(link); ip link set \(link) up
      ip -n \(name) address add \(address)/24 dev eth0; ip -n \(name) link set lo up; ip -n \(name) link set eth0 up
      ip -n \(name) route add default via \(host)
      """)
    try serve(name, ["tcp:0.0.0.0:80", "udp:0.0.0.0:80"], in: name)
  }

  private func tearDown() throws {
    for table in [Self.first, Self.second] { try firewall.delete(table: table) }
    let route = try RouteSocket()
    try route.deleteLinks(group: 77)
    try lab.remove()
  }

  private func serve(_ name: String, _ sockets: [String], in namespace: String?) throws {
    try lab.start(["/usr/bin/python3", "-c", Self.server, name] + sockets, in: namespace)
  }

  /// Asks each `PROTOCOL ADDRESS PORT` once, all at the same time.
  /// - Returns: for each the name and the address that came back, or `-`.
  static func ask(_ targets: [String], from namespace: String?) throws -> [String] {
    let arguments = targets.map { "'\($0)'" }.joined(separator: " ")
    let text = try NetworkLab.run("exec /usr/bin/python3 -c '\(probe)' \(arguments)", in: namespace)
    return text.split(separator: "\n").map(String.init)
  }

  private static let server = """
    import selectors, socket, sys
    name, chosen = sys.argv[1], selectors.DefaultSelector()
    for text in sys.argv[2:]:
        kind, address, port = text.split(":")
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, int(port)))
        if kind == "tcp": s.listen(1000)
        chosen.register(s, selectors.EVENT_READ, kind)
    print("ready", flush=True)
    while True:
        for key, _ in chosen.select():
            if key.data == "tcp":
                c, peer = key.fileobj.accept()
                try: c.sendall(f"{name} {peer[0]}".encode())
                except OSError: pass
                c.close()
            else:
                _, peer = key.fileobj.recvfrom(100)
                key.fileobj.sendto(f"{name} {peer[0]}".encode(), peer)
    """

  private static let probe = """
    import sys, threading, socket
    targets = sys.argv[1:]
    answers = ["-"] * len(targets)
    def ask(index):
        kind, address, port = targets[index].split()
        s = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        s.settimeout(1)
        try:
            s.connect((address, int(port)))
            if kind == "udp": s.send(b"x")
            answers[index] = s.recv(100).decode() or "-"
        except OSError: pass
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(targets))]
    for t in threads: t.start()
    for t in threads: t.join()
    print(*answers, sep="\\n")
    """
}
