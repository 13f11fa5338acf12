import Foundation
import Glibc
import TestSupport
import Testing

/// Names of services, asked of the stack's own name server and of the hosts file.
@Suite(.privateNamespace, .serialized)
struct NamesTests {
  /// Brings three services on two networks up.
  @discardableResult
  private func makeFile(_ fixture: StackFixture) throws -> StackFixture.Outcome {
    try fixture.file(
      """
        web: {rootfs: ./root, command: [sleep, '1000'], networks: {front: {aliases: [www]}}}
        api: {rootfs: ./root, command: [sleep, '1000'], networks: [front, back]}
        db: {rootfs: ./root, command: [sleep, '1000'], networks: [back]}
      """, "networks: {front: {}, back: {internal: true}}")
    let up = try fixture.stack("up", "-d")
    #expect(up.code == 0, "\(up.errors)")
    return up
  }

  /// The addresses that the name server has for a name, for one that asks.
  private func lookUp(_ name: String, from service: String, of fixture: StackFixture) throws -> [String] {
    let output = try fixture.run(
      StackFixture.binary, ["exec", service, "sh", "-c", "nslookup \(name) 2>&1 || true"]
    ).output
    // The first address is the server's own.
    return output.matches(of: /Address[^:]*: ([0-9.]+)(?!.*:53)/).map { String($0.1) }.filter { !$0.hasSuffix(".1") }
  }

  private func address(of service: String, on network: String, of fixture: StackFixture) throws -> String {
    let json = try fixture.stack("inspect", service).output
    let pattern = try Regex("\"Network\": \"[^\"]*_\(network)\",\\s*\"Address\": \"([0-9.]+)\"")
    return try #require(json.firstMatch(of: pattern).flatMap { $0.output[1].substring.map(String.init) })
  }

  @Test func answersDependOnWhoAsks() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let web = try address(of: "web", on: "front", of: fixture)
      let db = try address(of: "db", on: "back", of: fixture)
      #expect(try lookUp("www", from: "api", of: fixture) == [web])
      #expect(try lookUp("\(fixture.project)-web-1", from: "api", of: fixture) == [web])
      #expect(try lookUp("db", from: "api", of: fixture) == [db])
      #expect(try lookUp("db", from: "web", of: fixture) == [])
      #expect(try lookUp("nosuch", from: "db", of: fixture) == [])
      #expect(try fixture.exec("api", "nslookup \(db)").contains("\(fixture.project)-db-1.\(fixture.project)_back"))
    }
  }

  @Test func theNameOfAStoppedServiceIsGoneAndComesBack() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      func hosts() throws -> Bool { try fixture.exec("api", "cat /etc/hosts").contains("\tdb ") }
      #expect(try hosts())
      #expect(try fixture.stack("stop", "db").code == 0)
      #expect(try fixture.eventually { try lookUp("db", from: "api", of: fixture) == [] })
      #expect(try fixture.eventually { try !hosts() })
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.eventually { try !lookUp("db", from: "api", of: fixture).isEmpty })
      #expect(try fixture.eventually { try hosts() })
    }
  }

  @Test func otherNamesAreAskedOfTheServersThatAServiceNames() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      // A name server with one answer, on a loopback address of the machine.
      try fixture.write(
        """
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(('127.0.0.77', 53))
        while True:
            q, peer = s.recvfrom(512)
            end = q.index(0, 12) + 5
            kind = q[end - 3]
            answer = bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 5]) if kind == 1 else b''
            s.sendto(q[:2] + bytes([0x81, 0x80, 0, 1, 0, 1 if answer else 0, 0, 0, 0, 0]) + q[12:end] + answer, peer)
        """, to: "server.py")
      let server = try fixture.start("/usr/bin/python3", ["server.py"])
      defer { _ = try? server.wait(seconds: 0) }
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000'], dns: 127.0.0.77, dns_search: [corp.example], dns_opt: ['timeout:1']}"
      )
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.eventually { try lookUp("example.org", from: "a", of: fixture) == ["203.0.113.5"] })
      let file = try fixture.exec("a", "cat /etc/resolv.conf")
      #expect(file.contains("search corp.example") && file.contains("options timeout:1 ndots:0"))
    }
  }

  /// Name servers on loopback addresses of the machine, each with one way to answer: an address, a code, or not at all.
  private func serve(_ answers: [(address: String, answer: String)], in fixture: StackFixture) throws
    -> StackFixture.Running
  {
    try fixture.write(
      """
      import select, socket, sys
      def reply(q, how):
          end = q.index(0, 12) + 5
          if how.isdigit(): return q[:2] + bytes([0x81, 0x80 | int(how), 0, 1, 0, 0, 0, 0, 0, 0]) + q[12:end]
          a = bytes([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]) + socket.inet_aton(how) if q[end - 3] == 1 else b''
          return q[:2] + bytes([0x81, 0x80, 0, 1, 0, 1 if a else 0, 0, 0, 0, 0]) + q[12:end] + a
      sockets = {}
      for word in sys.argv[1:]:
          address, how = word.split('=')
          s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
          s.bind((address, 53))
          sockets[s] = how
      print('ready', flush=True)
      while True:
          for s in select.select(list(sockets), [], [])[0]:
              q, peer = s.recvfrom(4096)
              if sockets[s] != 'silent': s.sendto(reply(q, sockets[s]), peer)
      """, to: "servers.py")
    let server = try fixture.start(
      "/bin/sh",
      ["-c", "exec python3 servers.py \(answers.map { "\($0.address)=\($0.answer)" }.joined(separator: " ")) > ready"])
    #expect(fixture.eventually { (try? fixture.text("ready")) == "ready\n" })
    return server
  }

  @Test func theFirstGoodAnswerOfSeveralServersCounts() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let server = try serve(
        [("127.0.0.81", "silent"), ("127.0.0.82", "2"), ("127.0.0.83", "203.0.113.7"), ("127.0.0.84", "3")], in: fixture
      )
      defer { _ = try? server.wait(seconds: 0) }
      func service(_ name: String, _ servers: String) -> String {
        "  \(name): {rootfs: ./root, command: [sleep, '1000'], dns: [\(servers)]}\n"
      }
      try fixture.file(
        service("silent", "127.0.0.81, 127.0.0.83") + service("failing", "127.0.0.82, 127.0.0.83")
          + service("denying", "127.0.0.84, 127.0.0.83") + service("nobody", "127.0.0.89, 127.0.0.83")
          + service("none", "127.0.0.82, 127.0.0.89"))
      #expect(try fixture.stack("up", "-d").code == 0)
      for name in ["silent", "failing", "nobody"] {
        let began = ContinuousClock.now
        #expect(try lookUp("example.org", from: name, of: fixture) == ["203.0.113.7"], "\(name)")
        #expect(ContinuousClock.now - began < .milliseconds(1500 * StackFixture.patience), "\(name)")
      }
      // That a name does not exist is an answer; that a server has failed is not.
      #expect(try fixture.exec("denying", "nslookup example.org 2>&1 || true").contains("NXDOMAIN"))
      #expect(try fixture.exec("none", "nslookup example.org 2>&1 || true").contains("SERVFAIL"))
    }
  }

  @Test func namesAreAnsweredAsSoonAsThePortIsFree() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let other = try serve([("0.0.0.0", "203.0.113.9")], in: fixture)
      let up = try makeFile(fixture)
      #expect(up.errors.contains("port 53/udp of its gateway"), "\(up.errors)")
      let db = try address(of: "db", on: "back", of: fixture)
      _ = try other.wait(seconds: 0)
      #expect(try fixture.eventually { try lookUp("db", from: "api", of: fixture) == [db] })
    }
  }

  @Test func aNameWithoutAnAddressOfAKindIsNoMissingName() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      // musl and glibc ask for both kinds at once: NXDOMAIN to one of them would be the end of the name.
      #expect(try fixture.eventually { try !lookUp("db", from: "api", of: fixture).isEmpty })
      #expect(try !fixture.exec("api", "nslookup -type=aaaa db 2>&1 || true").contains("NXDOMAIN"))
      #expect(try fixture.exec("api", "nslookup -type=aaaa nosuch.invalid 2>&1 || true") != "")
      #expect(try fixture.stack("stop", "-t", "0", "db").code == 0)
      #expect(try fixture.exec("api", "nslookup -type=a db 2>&1 || true").contains("NXDOMAIN"))
    }
  }
}
