import Foundation
import TestSupport
import Testing

/// Who reaches a stack's services, and by which way: from the machine, from another machine, and from other containers.
@Suite(.privateNamespace, .serialized)
struct NetworkTests {
  /// What an HTTP server answers; empty when nothing is reached.
  private func page(_ place: String, from namespace: String? = nil) throws -> String {
    try NetworkLab.run("curl -s -m 2 http://\(place)/ || true", in: namespace)
  }

  private let server = "rootfs: ./root, command: [httpd, -f, -p, '80', -h, /www]"

  @Test func publishedPortsAreReachedFromEverywhereTheyAreMeantFor() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try OtherMachine.with {
        try fixture.write("page", to: "root/www/index.html")
        try fixture.file(
          """
            web:
              \(server.replacingOccurrences(of: ", command", with: "\n    command"))
              ports:
                - "18200:80"
                - "127.0.0.1:18201:80"
                - "192.0.2.1:18202:80"
                - {target: 80, published: "18203", host_ip: 0.0.0.0, protocol: tcp, mode: host}
                - "18204-18205:80-81"
            client: {rootfs: ./root, command: [sleep, '1000']}
          """)
        let up = try fixture.stack("up", "-d")
        #expect(up.code == 0, "\(up.errors)")
        for place in ["127.0.0.1:18200", "192.0.2.1:18200", "127.0.0.1:18201", "192.0.2.1:18202", "127.0.0.1:18203"] {
          #expect(try page(place) == "page", "the machine asks \(place)")
        }
        for place in ["192.0.2.1:18200", "192.0.2.1:18202", "192.0.2.1:18203", "192.0.2.1:18204"] {
          #expect(try page(place, from: "other") == "page", "another machine asks \(place)")
        }
        for place in ["192.0.2.1:18201", "127.0.0.1:18202"] { #expect(try page(place) == "", "\(place)") }
        #expect(try page("192.0.2.1:18201", from: "other") == "")
        // By the address of the machine: a neighbour, and the service itself.
        for service in ["client", "web"] {
          #expect(try fixture.exec(service, "wget -qO- http://192.0.2.1:18200/") == "page", "\(service)")
        }
      }
    }
  }

  @Test func datagramsFindTheirWayToo() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try OtherMachine.with {
        try fixture.write(
          """
          import socket
          server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          server.bind(("", 53))
          while True:
              data, asker = server.recvfrom(100)
              server.sendto(data.upper(), asker)
          """, to: "udp.py")
        try fixture.file(
          """
            echo:
              rootfs: host
              command: [/usr/bin/python3, /srv/udp.py]
              ports: ["18210:53/udp"]
              volumes: ["./udp.py:/srv/udp.py:ro"]
          """)
        #expect(try fixture.stack("up", "-d").code == 0)
        let ask =
          "for i in 1 2 3 4 5 6 7 8 9; do (echo hello; sleep 0.2) | nc -u -w 1 ADDRESS 18210 | grep . && break; done"
        for (address, namespace) in [("127.0.0.1", nil), ("192.0.2.1", "other")] {
          let script = ask.replacingOccurrences(of: "ADDRESS", with: address)
          #expect(try NetworkLab.run(script, in: namespace) == "HELLO\n", "\(address)")
        }
      }
    }
  }

  @Test func ofARangeTheFirstFreePortIsTaken() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("page", to: "root/www/index.html")
      try fixture.file(
        """
          a: {\(server), ports: ['18220-18222:80']}
          b: {\(server), ports: ['18220-18222:80'], depends_on: [a]}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try page("127.0.0.1:18220") == "page")
      #expect(try page("127.0.0.1:18221") == "page")
      let first = try fixture.stack("ps").output
      #expect(first.contains("0.0.0.0:18220->80/tcp") && first.contains("0.0.0.0:18221->80/tcp"), "\(first)")
      try fixture.file(
        """
          a: {\(server), ports: ['18220-18222:80']}
          b: {\(server), ports: ['18220-18222:80'], depends_on: [a]}
          c: {\(server), ports: ['18220-18221:80']}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 5)
      #expect(up.errors.contains("c: all ports of 0.0.0.0:18220-18221/tcp are already in use"), "\(up.errors)")
      // What ran goes on as it was.
      #expect(try page("127.0.0.1:18221") == "page")
    }
  }

  @Test func portsOfReplicasThatAreTakenBackLeadNowhere() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let replicas = "web: {\(server), ports: ['18223-18224:80'], deploy: {replicas: 2}"
      try fixture.file("  kept: {\(server), ports: ['18225:80']}\n  \(replicas)}")
      #expect(try fixture.stack("up", "-d").code == 0)
      try fixture.file(
        """
          kept: {\(server), ports: ['18225:80']}
          \(replicas), environment: {A: b}}
          broken: {rootfs: ./root, command: [nothing-of-this-name], depends_on: [web]}
        """)
      #expect(try fixture.stack("up", "-d").code == 1)
      let rules = try fixture.run("/usr/bin/env", ["nft", "list", "ruleset"]).output
      #expect(rules.contains("18225") && !rules.contains("18223") && !rules.contains("18224"), "\(rules)")
    }
  }

  @Test func aContainerNameIsWhatItSays() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          web: {rootfs: ./root, command: [sh, -c, 'echo hello; exec sleep 1000'], container_name: the.web, labels: {a: b}}
          client: {rootfs: ./root, command: [sleep, '1000']}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.errors.contains("container the.web  started"))
      #expect(try fixture.stack("ps", "--format", "json", "web").output.contains(#""Name":"the.web""#))
      #expect(try fixture.stack("ps", "--format", "json", "web").output.contains(#""Labels":"a=b,com.docker.compose."#))
      #expect(try fixture.eventually { try fixture.stack("logs", "web").output == "the.web  | hello\n" })
      #expect(try fixture.exec("client", "grep -c -w the.web /etc/hosts") == "1")
      #expect(try fixture.stack("down").errors.contains("container the.web  stopped"))
    }
  }

  @Test func networksAndStacksAreClosedToEachOther() throws {
    try StackFixture.with { (first: StackFixture) throws in
      try StackFixture.with { (second: StackFixture) throws in
        try first.write("page", to: "root/www/index.html")
        try first.file(
          """
            web: {\(server), networks: {front: {ipv4_address: 10.77.0.99, aliases: [www]}}}
            near: {rootfs: ./root, command: [sleep, '1000'], networks: [front]}
            far: {rootfs: ./root, command: [sleep, '1000'], networks: [back]}
          """, "networks: {front: {ipam: {config: [{subnet: 10.77.0.0/24}]}}, back: {}}")
        try second.file("  client: {rootfs: ./root, command: [sleep, '1000']}")
        #expect(try first.stack("up", "-d").code == 0)
        #expect(try second.stack("up", "-d").code == 0)
        #expect(try first.exec("near", "wget -qO- http://www/ && wget -qO- http://10.77.0.99/") == "pagepage")
        let closed = "sh -c 'timeout 1 wget -qO- http://10.77.0.99/' 2>/dev/null || echo closed"
        #expect(try first.exec("far", closed) == "closed")
        #expect(try second.exec("client", closed) == "closed")
      }
    }
  }

  @Test func aNetworkModeIsKept() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          none: {rootfs: ./root, command: [sleep, '1000'], network_mode: none}
          host: {rootfs: ./root, command: [sleep, '1000'], network_mode: host}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("none", "ip -o link | grep -v -c ' lo:' || true") == "0")
      let machine = try NetworkLab.run("ip -o link | cut -d: -f2")
      #expect(try fixture.exec("host", "ip -o link | cut -d: -f2") + "\n" == machine)
      #expect(try fixture.exec("host", "hostname") + "\n" == NetworkLab.run("hostname"))
    }
  }

  @Test func aFirewallThatIsInTheWayIsNamed() throws {
    try NetworkLab.run(
      "nft 'add table ip e2e; add chain ip e2e OUTER { type filter hook forward priority 0; policy drop; }'")
    defer { _ = try? NetworkLab.run("nft delete table ip e2e") }
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  web: {\(server)}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0)
      #expect(up.errors.contains("warning: the machine's firewall drops what it forwards (chain ip e2e OUTER)"))
      #expect(try fixture.stack("down").code == 0)
      try NetworkLab.run(
        #"nft 'add rule ip e2e OUTER iifname "stk-*" accept; add rule ip e2e OUTER oifname "stk-*" accept'"#)
      #expect(try !fixture.stack("up", "-d").errors.contains("warning"))
    }
  }

  @Test func nothingOfTheMachinesFirewallIsChanged() throws {
    try NetworkLab.run(
      """
      nft 'add table inet e2e; add chain inet e2e outer { type filter hook forward priority 0; policy accept; }'
      nft 'add rule inet e2e outer iifname "none0" counter drop'
      """)
    defer { _ = try? NetworkLab.run("nft delete table inet e2e") }
    let before = try NetworkLab.run("nft list ruleset")
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  web: {\(server), ports: ['18230:80']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try NetworkLab.run("nft list table inet e2e") == before)
      #expect(try fixture.stack("down").code == 0)
      #expect(try NetworkLab.run("nft list ruleset") == before)
    }
  }
}
