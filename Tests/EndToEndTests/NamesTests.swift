import Foundation
import Glibc
import TestSupport
import Testing

/// Names of services, asked of the stack's own name server and of the hosts file.
@Suite(.privateNamespace, .serialized)
struct NamesTests {
  private func makeFile(_ fixture: StackFixture) throws {
    try fixture.file(
      """
        web: {rootfs: ./root, command: [sleep, '1000'], networks: {front: {aliases: [www]}}}
        api: {rootfs: ./root, command: [sleep, '1000'], networks: [front, back]}
        db: {rootfs: ./root, command: [sleep, '1000'], networks: [back]}
      """, "networks: {front: {}, back: {internal: true}}")
    let up = try fixture.stack("up", "-d")
    #expect(up.code == 0, "\(up.errors)")
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
}
