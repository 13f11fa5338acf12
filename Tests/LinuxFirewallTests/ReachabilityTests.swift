import Foundation
import InternetAddress
import LinuxFirewall
import LinuxNetlink
import LinuxSystem
import TestSupport
import Testing

@Suite(.serialized, .privateNamespace)
struct ReachabilityTests {
  /// Who asks (nil: the host), what, and the answer: who, and as whom it saw the asker; `-` for none.
  static let matrix: [(from: String?, target: String, answer: String)] = [
    // Another machine.
    ("outside", "tcp 192.0.2.1 8080", "a1 192.0.2.2"),
    ("outside", "udp 192.0.2.1 8080", "a1 192.0.2.2"),
    ("outside", "tcp 192.0.2.10 8080", "a1 192.0.2.2"),
    ("outside", "tcp 192.0.2.1 8082", "a2 192.0.2.2"),
    ("outside", "tcp 192.0.2.10 8082", "-"),
    ("outside", "tcp 192.0.2.1 8081", "-"),
    ("outside", "tcp 192.0.2.1 9090", "b1 192.0.2.2"),
    ("outside", "tcp 10.201.0.2 80", "-"),
    ("outside", "tcp 10.201.0.2 81", "-"),
    ("outside", "udp 10.201.0.2 80", "-"),
    ("outside", "tcp 10.201.0.2 8080", "-"),
    ("outside", "tcp 10.203.0.2 80", "-"),
    ("evil", "tcp 192.0.2.1 8080", "a1 198.51.100.2"),
    // The host.
    (nil, "tcp 127.0.0.1 8080", "a1 10.201.0.1"),
    (nil, "udp 127.0.0.1 8080", "a1 10.201.0.1"),
    (nil, "tcp 127.0.0.1 8081", "a2 10.201.0.1"),
    (nil, "tcp 127.0.0.1 8082", "-"),
    (nil, "tcp 192.0.2.1 8080", "a1 192.0.2.1"),
    (nil, "tcp 192.0.2.1 8082", "a2 192.0.2.1"),
    (nil, "tcp 192.0.2.1 8081", "-"),
    (nil, "tcp 10.201.0.1 8080", "a1 10.201.0.1"),
    (nil, "tcp 10.201.0.2 81", "a1 10.201.0.1"),
    (nil, "tcp 10.203.0.2 80", "i1 10.203.0.1"),
    // A container of the same network, and the destination itself.
    ("a1", "tcp 10.201.0.3 80", "a2 10.201.0.2"),
    ("a2", "tcp 192.0.2.1 8080", "a1 10.201.0.1"),
    ("a2", "udp 192.0.2.1 8080", "a1 10.201.0.1"),
    ("a2", "tcp 10.201.0.1 8080", "a1 10.201.0.1"),
    ("a1", "tcp 192.0.2.1 8080", "a1 10.201.0.1"),
    ("a1", "udp 10.201.0.1 8080", "a1 10.201.0.1"),
    ("a1", "tcp 192.0.2.1 8081", "-"),
    ("a1", "tcp 10.201.0.1 8081", "-"),
    // What listens on the host: for its guest, and for nobody else but its resolver.
    ("a1", "tcp 192.0.2.1 5432", "-"),
    ("a1", "tcp 10.201.0.1 5432", "-"),
    ("a1", "udp 10.201.0.1 53", "host 10.201.0.2"),
    ("a1", "tcp 10.201.0.1 53", "host 10.201.0.2"),
    ("a3", "tcp 192.0.2.1 5432", "host 10.201.0.4"),
    // Out, to another group's network, to an internal one.
    ("a1", "tcp 192.0.2.2 80", "outside 192.0.2.1"),
    ("a1", "udp 198.51.100.2 80", "evil 198.51.100.1"),
    ("a1", "tcp 10.202.0.2 80", "-"),
    ("a1", "tcp 192.0.2.1 9090", "b1 10.202.0.1"),
    ("b1", "tcp 192.0.2.1 8080", "a1 10.201.0.1"),
    ("b1", "tcp 10.202.0.1 8080", "a1 10.201.0.1"),
    ("b1", "tcp 10.201.0.2 80", "-"),
    ("b1", "udp 10.201.0.2 80", "-"),
    ("a1", "tcp 10.203.0.2 80", "-"),
    ("b1", "tcp 10.203.0.2 80", "-"),
    // From an internal network.
    ("i1", "tcp 10.203.0.3 80", "i2 10.203.0.2"),
    ("i1", "udp 10.203.0.1 53", "host 10.203.0.2"),
    ("i1", "tcp 10.203.0.1 53", "host 10.203.0.2"),
    ("i1", "tcp 192.0.2.1 53", "-"),
    ("i1", "tcp 10.203.0.1 5432", "-"),
    ("i1", "tcp 192.0.2.2 80", "-"),
    ("i1", "tcp 10.201.0.2 80", "-"),
    ("i1", "tcp 192.0.2.1 8080", "-"),
    ("i1", "udp 10.203.0.1 8080", "-"),
  ]

  @Test(arguments: [false, true])
  func everyoneReachesWhatIsMeantAndNothingElse(bridgesCallFirewall: Bool) throws {
    try FirewallLab.with(bridgesCallFirewall: bridgesCallFirewall) { _ in
      for asker in Set(Self.matrix.map { $0.from }) {
        let rows = Self.matrix.filter { $0.from == asker }
        let answers = try FirewallLab.ask(rows.map { $0.target }, from: asker)
        for (row, answer) in zip(rows, answers) {
          #expect(answer == row.answer, "\(asker ?? "host") asks \(row.target)")
        }
      }
    }
  }

  /// The matrix sees answers only, and none come back to an internal network however far a question got.
  @Test func notEvenAQuestionLeavesAnInternalNetwork() throws {
    try FirewallLab.with { lab in
      let file = NSTemporaryDirectory() + "questions-\(getpid())"
      let listener = """
        import socket, sys
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("", 99))
        print("ready", flush=True)
        _, asker = s.recvfrom(10)
        open(sys.argv[1], "w").write(asker[0])
        """
      try lab.lab.start(["/usr/bin/python3", "-c", listener, file], in: "outside")
      for asker in ["i1", "a1"] { #expect(try FirewallLab.ask(["udp 192.0.2.2 99"], from: asker) == ["-"]) }
      let first = try Files.text(file)
      #expect(first == "192.0.2.1", "the question that was heard first is of the network that may ask")
      try Files.removeFile(file)
      // Nor is there a way round by IPv6, which the rules say nothing of.
      #expect(try NetworkLab.run("ip -6 address show dev tst-i; ip -6 address show dev tst-a").isEmpty)
    }
  }

  @Test func loopbackAddressesOnTheWireLeadNowhere() throws {
    try FirewallLab.with { _ in
      // A host that routes 127.0.0.0/8 from everywhere, a machine and a container that send there.
      try NetworkLab.run("echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet")
      for (name, gateway, own) in [("evil", "198.51.100.1", "198.51.100.2"), ("a3", "10.201.0.1", "10.201.0.4")] {
        try NetworkLab.run(
          """
          set -e
          echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
          ip address delete 127.0.0.1/8 dev lo
          ip route add 127.0.0.0/8 via \(gateway) src \(own)
          """, in: name)
      }
      let targets = ["tcp 127.0.0.1 8080", "tcp 127.0.0.1 8081", "udp 127.0.0.1 8080"]
      #expect(try FirewallLab.ask(targets, from: "evil") == ["-", "-", "-"])
      #expect(try FirewallLab.ask(targets + ["tcp 127.0.0.1 5433"], from: "a3") == ["-", "-", "-", "-"])
      #expect(try FirewallLab.ask(["tcp 127.0.0.1 8081"], from: nil) == ["a2 10.201.0.1"])
      try NetworkLab.run("echo 0 > /proc/sys/net/ipv4/conf/all/route_localnet")
    }
  }
}
