import InternetAddress
import StackDNS
import TestSupport
import Testing

/// A query as a resolver writes it.
private func query(
  _ name: String, _ type: UInt16 = DNSType.a, id: UInt16 = 0x1234, edns: UInt16? = nil, flags: UInt16 = 0x0100
) -> [UInt8] {
  func pair(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
  let labels = name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
  let extra: [UInt8] = edns.map { [0] + pair(41) + pair($0) + [0, 0, 0, 0, 0, 0] } ?? []
  return pair(id) + pair(flags) + pair(1) + [0, 0, 0, 0] + pair(edns == nil ? 0 : 1) + labels + [0] + pair(type)
    + pair(1) + extra
}

struct DNSQueryTests {
  @Test func aQuestionIsReadWithItsCaseAndSize() throws {
    let parsed = try DNSQuery(query("Db.Example", edns: 4096))
    #expect(parsed.id == 0x1234)
    #expect(parsed.name == DNSName("db.example"))
    #expect(parsed.type == DNSType.a && parsed.isInternet && parsed.wantsRecursion)
    #expect(parsed.payloadSize == 4096 && parsed.hasEDNS)
    #expect(try DNSQuery(query("db")).payloadSize == 512)
  }

  @Test func whatIsNoQuestionIsRefused() {
    #expect(throws: DNSQuery.Problem.noQuery) { try DNSQuery([]) }
    #expect(throws: DNSQuery.Problem.noQuery) { try DNSQuery(query("db", flags: 0x8000)) }
    #expect(throws: DNSQuery.Problem.notImplemented(id: 0x1234)) { try DNSQuery(query("db", flags: 0x2800)) }
    var pointer = query("db")
    pointer[12] = 0xC0
    #expect(throws: DNSQuery.Problem.malformed(id: 0x1234)) { try DNSQuery(pointer) }
    #expect(throws: DNSQuery.Problem.malformed(id: 0x1234)) {
      try DNSQuery(query(String(repeating: "abcdefg.", count: 40)))
    }
    for count in 12..<query("db", edns: 512).count - 11 {
      #expect(throws: DNSQuery.Problem.self) { try DNSQuery(Array(query("db").prefix(count))) }
    }
  }

  @Test func bytesOfChanceNeverCrash() {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<20_000 {
      var bytes = query("a.b.c", edns: 1232)
      for _ in 0..<Int.random(in: 0...6, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      bytes.removeLast(Int.random(in: 0...bytes.count / 4, using: &generator))
      _ = try? DNSQuery(bytes)
    }
  }

  @Test func anAnswerHasTheFormOfTheStandard() throws {
    let bytes = DNSResponse.bytes(.addresses([0x0A00_0002]), to: try DNSQuery(query("db")))
    let question = Array(query("db").dropFirst(12))
    let record: [UInt8] = [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 2]
    let expected: [UInt8] = [0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + question + record
    #expect(bytes == expected)
    #expect(DNSResponse.bytes(.noSuchName, to: try DNSQuery(query("db")))[3] & 0xF == 3)
  }

  @Test func anAnswerThatIsTooLargeIsCutOffAsAWhole() throws {
    let many = DNSAnswer.addresses(Array(0..<100))
    let parsed = try DNSQuery(query("db"))
    let cut = DNSResponse.bytes(many, to: parsed, limit: parsed.payloadSize)
    #expect(cut.count <= 512 && cut[2] & 0x02 != 0 && cut[7] == 0)
    #expect(DNSResponse.bytes(many, to: parsed).count > 1600)
  }
}

struct NameTableTests {
  private let table: NameTable = {
    func address(_ text: String) -> IPv4Address { IPv4Address(text) ?? IPv4Address(value: 0) }
    func subnet(_ base: String) -> IPv4Subnet {
      guard let subnet = IPv4Subnet("\(base)/24") else { preconditionFailure("a subnet of the test is wrong") }
      return subnet
    }
    func network(_ key: String, _ base: String, isInternal: Bool = false) -> NameTable.Network {
      NameTable.Network(
        key: key, name: "p_\(key)", subnet: subnet(base), isInternal: isInternal)
    }
    func endpoint(_ container: String, _ network: String, _ text: String, _ names: [String]) -> NameTable.Endpoint {
      NameTable.Endpoint(container: container, network: network, address: address(text), names: names)
    }
    return NameTable(
      networks: [network("front", "10.0.1.0"), network("back", "10.0.2.0", isInternal: true)],
      endpoints: [
        endpoint("p-web-1", "front", "10.0.1.2", ["p-web-1", "web", "www"]),
        endpoint("p-api-1", "front", "10.0.1.3", ["p-api-1", "api"]),
        endpoint("p-api-1", "back", "10.0.2.3", ["p-api-1", "api"]),
        endpoint("p-api-2", "back", "10.0.2.4", ["p-api-2", "api"]),
        endpoint("p-db-1", "back", "10.0.2.5", ["p-db-1", "db", "Primary"]),
      ], knownNames: ["web", "api", "db", "stopped"])
  }()

  private func ask(_ name: String, _ type: UInt16 = DNSType.a, from asker: String, rotation: Int = 0) throws
    -> NameTable.Reply
  {
    table.reply(
      to: try DNSQuery(query(name, type)), from: try #require(IPv4Address(asker)), rotation: rotation)
  }

  @Test func whoAsksSeesWhatIsOnItsNetworks() throws {
    #expect(try ask("db", from: "10.0.1.3") == .answer(.addresses([0x0A00_0205])))
    #expect(try ask("db", from: "10.0.1.2") == .answer(.noSuchName))
    #expect(try ask("www", from: "10.0.1.3") == .answer(.addresses([0x0A00_0102])))
    #expect(try ask("PRIMARY", from: "10.0.2.4") == .answer(.addresses([0x0A00_0205])))
    #expect(try ask("p-db-1", from: "10.0.2.4") == .answer(.addresses([0x0A00_0205])))
    #expect(try ask("db.p_back", from: "10.0.2.4") == .answer(.addresses([0x0A00_0205])))
  }

  @Test func replicasTakeTurns() throws {
    #expect(try ask("api", from: "10.0.2.5") == .answer(.addresses([0x0A00_0203, 0x0A00_0204])))
    #expect(try ask("api", from: "10.0.2.5", rotation: 1) == .answer(.addresses([0x0A00_0204, 0x0A00_0203])))
  }

  @Test func whatDoesNotRunIsNotThereAndNobodyElseIsAsked() throws {
    #expect(try ask("stopped", from: "10.0.1.2") == .answer(.noSuchName))
    #expect(try ask("db", DNSType.aaaa, from: "10.0.2.4") == .answer(.noData))
  }

  @Test func otherNamesAreForwardedUnlessThereIsNoWayOut() throws {
    #expect(try ask("example.org", from: "10.0.1.2") == .forward)
    #expect(try ask("example.org", from: "10.0.2.5") == .answer(.noSuchName))
  }

  @Test func addressesLeadToNames() throws {
    let reply = try ask("5.2.0.10.in-addr.arpa", DNSType.ptr, from: "10.0.2.4")
    #expect(reply == .answer(.names([DNSName("p-db-1.p_back")])))
    #expect(try ask("5.2.0.10.in-addr.arpa", DNSType.ptr, from: "10.0.1.2") == .answer(.noSuchName))
    #expect(try ask("1.1.1.1.in-addr.arpa", DNSType.ptr, from: "10.0.1.2") == .forward)
  }

  @Test(arguments: [(0, true), (3, true), (1, false), (2, false), (4, false), (5, false)] as [(UInt8, Bool)])
  func `only what is said of the name settles a question`(code: UInt8, settles: Bool) {
    var message = [UInt8](repeating: 0, count: 12)
    message[3] = 0x80 | code
    #expect(DNSResponse.isConclusive(message) == settles)
    #expect(!DNSResponse.isConclusive(Array(message.prefix(11))))
  }
}
