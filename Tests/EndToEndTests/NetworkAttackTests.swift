import Foundation
import TestSupport
import Testing

/// Attacks on and by a service over the network, against a stack as it comes up.
@Suite(.privateNamespace, .serialized)
struct NetworkAttackTests {
  /// A service that can make any frame, its neighbour, and a server of the machine itself on 5432.
  private func withNetwork(_ body: (StackFixture, Lab) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try OtherMachine.with {
        try fixture.write("page", to: "root/www/index.html")
        try fixture.write(Self.frames, to: "frames.py")
        try fixture.file(
          """
            forger: {rootfs: host, command: [sleep, '1000'], cap_add: [NET_RAW], volumes: ['./frames.py:/srv/frames.py:ro']}
            router: {rootfs: host, command: [sleep, '1000'], cap_add: [NET_ADMIN, NET_RAW], volumes: ['./frames.py:/srv/frames.py:ro']}
            web:
              rootfs: ./root
              command: [sh, -c, 'httpd -p 81 -h /www; exec httpd -f -p 80 -h /www']
              ports: ["127.0.0.1:18240:80", "18241:80"]
            guest: {rootfs: ./root, command: [sleep, '1000'], extra_hosts: ['machine:host-gateway']}
          """)
        let up = try fixture.stack("up", "-d")
        try #require(up.code == 0, "\(up.errors)")
        try body(fixture, try Lab(fixture))
      }
    }
  }

  /// What the attacks need to know.
  private struct Lab {
    let web: String
    let gateway: String
    let bridge: String

    init(_ fixture: StackFixture) throws {
      web = try fixture.exec("web", "ip -o -4 address show eth0 | grep -o '[0-9.]*/' | tr -d /")
      gateway = try fixture.exec("web", "ip route | grep ^default | cut -d' ' -f3")
      bridge =
        try NetworkLab.run("ip -o route show \(web)/32 dev lo 2>/dev/null; ip -o route get \(web)")
        .split(separator: " ").first { $0.hasPrefix("stk-") }.map(String.init) ?? ""
      try #require(!bridge.isEmpty)
      // The host knows the neighbour before anybody lies about it.
      _ = try NetworkLab.run("curl -s -m 2 http://\(web)/")
    }
  }

  private func page(_ place: String, from namespace: String? = nil) throws -> String {
    try NetworkLab.run("curl -s -m 1 http://\(place)/ || true", in: namespace)
  }

  @Test func anotherMachineReachesOnlyWhatIsPublishedToIt() throws {
    try withNetwork { fixture, lab in
      #expect(try page("192.0.2.1:18241", from: "other") == "page")
      #expect(try page("127.0.0.1:18240") == "page")
      try NetworkLab.run(
        """
        ip route add \(lab.web)/32 via 192.0.2.1
        echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet
        ip address delete 127.0.0.1/8 dev lo; ip route add 127.0.0.1/32 via 192.0.2.1 src 192.0.2.2
        """, in: "other")
      for place in ["\(lab.web):80", "\(lab.web):81", "127.0.0.1:18240", "192.0.2.1:18240"] {
        #expect(try page(place, from: "other") == "", "another machine asks \(place)")
      }
      #expect(
        try fixture.exec("guest", "timeout 1 wget -qO- http://192.0.2.1:18240/ 2>/dev/null || echo closed") == "closed")
    }
  }

  @Test func theMachinesOwnServersAreForItsGuests() throws {
    try withNetwork { fixture, lab in
      let lab2 = try NetworkLab()
      defer { try? lab2.remove() }
      try lab2.start(
        [
          "/usr/bin/python3", "-c",
          "import http.server as h; s = h.HTTPServer(('', 5432), h.BaseHTTPRequestHandler); print('ready', flush=True); s.serve_forever()",
        ])
      // An answer, if only a refusal by HTTP, is a connection.
      let ask = "wget -qO- http://ADDRESS:5432/ 2>&1 | grep -c 'HTTP/1.0 501' || true"
      for address in [lab.gateway, "192.0.2.1"] {
        let script = ask.replacingOccurrences(of: "ADDRESS", with: address)
        #expect(try fixture.exec("web", script) == "0", "\(address)")
        #expect(try fixture.exec("guest", script) == "1", "\(address)")
      }
      // Refused at once, not waited for.
      let refusal = try fixture.exec("web", "timeout 1 wget -qO- http://\(lab.gateway):5432/ 2>&1 || true")
      #expect(refusal.contains("refused"), "\(refusal)")
    }
  }

  @Test func framesComeFromWhoSentThem() throws {
    try withNetwork { fixture, lab in
      func hardware() throws -> String { try NetworkLab.run("ip neigh show \(lab.web) dev \(lab.bridge)") }
      let known = try hardware().split(separator: " ").drop { $0 != "lladdr" }.dropFirst().first.map(String.init) ?? ""
      try #require(known.hasPrefix("02:42"))
      for attacker in ["forger", "router"] {
        _ = try fixture.exec(attacker, "/usr/bin/python3 /srv/frames.py arp \(lab.web)")
        #expect(try hardware().contains(known), "\(attacker) claims the address of a neighbour")
      }
      // Datagrams with a neighbour's address: none arrives at the machine.
      let seen = "\(fixture.directory)/seen"
      let listener = try NetworkLab()
      defer { try? listener.remove() }
      try listener.start(["/usr/bin/python3", "-c", Self.listener, lab.bridge, seen])
      _ = try fixture.exec("forger", "/usr/bin/python3 /srv/frames.py ip \(lab.web) \(lab.gateway)")
      _ = try fixture.exec("forger", "/usr/bin/python3 /srv/frames.py end \(lab.gateway)")
      let isHeard = fixture.eventually { FileManager.default.fileExists(atPath: seen) }
      #expect(isHeard)
      #expect(try String(contentsOfFile: seen, encoding: .utf8) == "")
      // Hardware addresses by the hundred, and a router's advertisement.
      _ = try fixture.exec("forger", "/usr/bin/python3 /srv/frames.py mac; /usr/bin/python3 /srv/frames.py ra")
      let learned = try NetworkLab.run("bridge fdb show br \(lab.bridge) | grep -c -v permanent || true")
      #expect(Int(learned.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 999 < 20)
      #expect(try fixture.exec("web", "ip -6 route | grep -c default || true") == "0")
      #expect(try NetworkLab.run("ip -6 route show default dev \(lab.bridge)") == "")
      // All the same, everybody is reached, and the router may have more addresses.
      #expect(try fixture.exec("guest", "wget -qO- http://web/") == "page")
      #expect(try fixture.exec("forger", "/usr/bin/curl -s http://\(lab.web)/") == "page")
    }
  }

  /// Says what it has heard when the last datagram comes.
  private static let listener = """
    import socket, sys
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((sys.argv[1], 0))
    print("ready", flush=True)
    heard = ""
    while True:
        frame = s.recv(2000)
        if b"evil" in frame: heard += "evil "
        if b"the end" in frame: break
    open(sys.argv[2] + ".new", "w").write(heard)
    import os; os.rename(sys.argv[2] + ".new", sys.argv[2])
    """

  /// Frames of all kinds that a well-behaved container does not send.
  private static let frames = """
    import os, socket, struct, sys
    kind, arguments = sys.argv[1], sys.argv[2:]
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("eth0", 0))
    own = s.getsockname()[4]
    def send(target, source, type, payload): s.send(target + source + struct.pack(">H", type) + payload)
    everybody = b"\\xff" * 6
    if kind == "arp":
        address = socket.inet_aton(arguments[0])
        for operation in (1, 2):
            for hardware in (own, b"\\x02" * 6):
                send(everybody, hardware, 0x806, struct.pack(">HHBBH", 1, 0x800, 6, 4, operation) + own + address + everybody + address)
    elif kind == "ip":
        udp = struct.pack(">HHHH", 1234, 9999, 12, 0) + b"evil"
        packet = struct.pack(">BBHHHBBH", 0x45, 0, 32, 1, 0, 64, 17, 0) + socket.inet_aton(arguments[0]) + socket.inet_aton(arguments[1]) + udp
        send(everybody, own, 0x800, packet)
        send(everybody, b"\\x02" * 6, 0x800, packet)
    elif kind == "end":
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        u.sendto(b"the end", (arguments[0], 9999))
    elif kind == "mac":
        for _ in range(200): send(everybody, b"\\x02" + os.urandom(5), 0x88b5, b"x" * 50)
    elif kind == "ra":
        own_address, all_nodes = socket.inet_pton(socket.AF_INET6, "fe80::1"), socket.inet_pton(socket.AF_INET6, "ff02::1")
        body = bytearray(struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + b"\\x01\\x01" + own)
        total = sum(struct.unpack(">32H", own_address + all_nodes + struct.pack(">II", len(body), 58) + bytes(body)))
        while total >> 16: total = (total & 0xffff) + (total >> 16)
        body[2:4] = struct.pack(">H", ~total & 0xffff)
        for _ in range(3):
            send(bytes.fromhex("333300000001"), own, 0x86dd, struct.pack(">IHBB", 6 << 28, len(body), 58, 255) + own_address + all_nodes + bytes(body))
    """
}
