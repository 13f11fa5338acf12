import InternetAddress
import StackModel
import Testing

@testable import StackFile

@Suite struct PortTests {
  /// `[ADDRESS:]HOST->PORT/PROTOCOL`, `*` for a port that the kernel chooses.
  private static func text(_ port: PortMapping) -> String {
    let address = port.hostAddress.map { "\($0):" } ?? ""
    let host = port.hostPort.map { "\($0)" } ?? "*"
    return
      "\(address)\(host)\(port.lastHostPort.map { "-\($0)" } ?? "")->\(port.containerPort)/\(port.transport.rawValue)"
  }

  @Test(arguments: [
    ("80", ["*->80/tcp"]), ("8080:80", ["8080->80/tcp"]), ("'8080:80/udp'", ["8080->80/udp"]),
    ("80-81", ["*->80/tcp", "*->81/tcp"]), ("90-91:80-81/udp", ["90->80/udp", "91->81/udp"]),
    ("80-90:8080", ["80-90->8080/tcp"]), ("127.0.0.1:8080:80", ["127.0.0.1:8080->80/tcp"]),
    ("127.0.0.1::80", ["127.0.0.1:*->80/tcp"]), ("0.0.0.0:8080:80", ["8080->80/tcp"]), ("0:80", ["*->80/tcp"]),
    ("22:22", ["22->22/tcp"]), ("'[127.0.0.1]:1:2'", ["127.0.0.1:1->2/tcp"]), ("80/TCP", ["*->80/tcp"]),
    ("{target: 80}", ["*->80/tcp"]), ("{target: 80, published: 8080, protocol: udp}", ["8080->80/udp"]),
    (
      "{target: '80', published: '8000-8001', host_ip: 10.0.0.1, mode: host, name: n, app_protocol: http}",
      ["10.0.0.1:8000-8001->80/tcp"]
    ),
    ("{target: 80, published: 0}", ["*->80/tcp"]), ("{target: 80, published: ''}", ["*->80/tcp"]),
  ]) func form(_ item: String, _ ports: [String]) {
    #expect(web("ports:\n  - \(item)")?.ports.map(Self.text) == ports)
  }

  @Test(arguments: [
    ("99999:80", "host port 99999 is not in 1-65535"), ("80:0", "container port 0 is not in 1-65535"),
    ("a:80", "\"a:80\": the host port \"a\" is not a number"), ("'80:'", "\"80:\": the container port is missing"),
    ("80-81:80-82", "\"80-81:80-82\": 2 host ports for 3 container ports"),
    ("81-80:80", "the range of host ports 81-80 ends before it begins"),
    ("80/sctp", "there is no protocol \"sctp\" for ports"),
    ("1.2.3:80:80", "\"1.2.3\" is not an IPv4 address"), ("localhost:80:80", "\"localhost\" is not an IPv4 address"),
    ("'[::1]:80:80'", "publishing on the IPv6 address ::1 is not supported yet"),
    ("::1:80:80", "publishing on the IPv6 address ::1 is not supported yet"),
    ("true", "ports[0] must be text or a number, but true is true or false"),
    ("{published: 80}", "ports needs target:"), ("{target: 70000}", "target 70000 is not in 0 to 65535"),
    ("{target: 80, published: x}", "\"x\": the host port \"x\" is not a number"),
    ("{target: 80, publish: 1}", "unknown key \"publish\" in port"),
    ("[80]", "ports[0] must be text or a number or a mapping, but this is a list"),
  ]) func mistake(_ item: String, _ message: String) {
    let found = load(service("ports:\n  - \(item)")).diagnostics
    #expect(found.map(\.message) == [message])
    #expect(found.first?.line == 5)
  }

  @Test func conflictsAreFoundAcrossServices() {
    let text = """
      services:
        a: {image: i, ports: ["8080:80", "53:53/udp"]}
        b: {image: i, ports: ["127.0.0.1:8080:80", "53:53/tcp"]}
        c: {image: i, ports: ["127.0.0.2:9:9", "127.0.0.1:9:9", "8000-8010:1"]}
        d: {image: i, ports: ["9:9"]}
        e: {image: i, ports: ["1:1", "1:2"]}
        f: {image: i, ports: ["8005:1"]}
      """
    #expect(
      errors(text).map { String($0.prefix { $0 != "|" }) } == [
        "3:25: host port 8080/tcp is already published by the service \"a\" in line 2 ",
        "5:25: host port 9/tcp is already published by the service \"c\" in line 4 ",
        "6:32: host port 1/tcp is already published by this service in line 6 ",
      ])
  }

  @Test func modesWithoutANetworkOfTheirOwnPublishNothing() {
    #expect(lines(load(service("ports: [80]\nnetwork_mode: host")))[0].contains("no effect with network_mode: host"))
    #expect(web("ports: [80]\nnetwork_mode: none")?.ports.isEmpty == true)
    #expect(
      errors(service("ports: [80]\nnetwork_mode: service:db", top: "  db: {image: i}\n"))[0]
        .contains("cannot publish ports itself"))
  }

  @Test func hugeRangesAreBounded() {
    let item = "  - 1-65535:1-65535"
    let text = service("ports:\n" + (0..<2000).map { _ in item }.joined(separator: "\n"))
    #expect(errors(text).contains { $0.contains("more than 200000 ports") })
  }

  @Test func bridgeIsTheDefaultNetwork() throws {
    let stack = try #require(load(service("network_mode: bridge")).stack)
    #expect(stack.networks.map(\.name) == ["\(stack.name)_default"])
    #expect(stack.services.first?.networkMode == .networks([NetworkAttachment(network: "default")]))
  }
}
