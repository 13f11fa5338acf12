import InternetAddress
import StackModel
import StackPlan
import Testing

@Suite struct ResolverFilesTests {
  private func stack() throws -> Stack {
    var back = NetworkAttachment(network: "back")
    back.aliases = ["database", "db"]
    var front = NetworkAttachment(network: "front")
    front.aliases = ["www"]
    var stack = Stack(name: "p", directory: "/p")
    for (key, subnet) in [("front", "10.1.0.0/24"), ("back", "10.2.0.0/24")] {
      var network = Network(key: key, name: "p_\(key)")
      network.subnet = IPv4Subnet(subnet)
      stack.networks.append(network)
    }
    var web = Service(name: "web", root: .host)
    web.networkMode = .networks([front, NetworkAttachment(network: "back")])
    web.extraHosts = [
      ExtraHost(name: "outside", address: "192.0.2.1"), ExtraHost(name: "machine", address: "host-gateway"),
    ]
    var db = Service(name: "db", root: .host)
    db.networkMode = .networks([back])
    stack.services = [web, db]
    return stack
  }

  private let loopback = """
    127.0.0.1\tlocalhost
    ::1\tlocalhost ip6-localhost ip6-loopback
    fe00::\tip6-localnet
    ff00::\tip6-mcastprefix
    ff02::1\tip6-allnodes
    ff02::2\tip6-allrouters

    """

  @Test func `a service knows itself, its extra hosts and everybody on its networks`() throws {
    let stack = try stack()
    let hosts = HostsFile(stack, try AddressPlan(stack))
    #expect(
      hosts.render(for: stack.services[0], hostname: "h", hostContent: "") == loopback + """
        192.0.2.1\toutside
        10.1.0.1\tmachine
        10.1.0.2\th
        10.2.0.2\th
        10.1.0.2\tweb p-web-1 www
        10.2.0.2\tweb p-web-1
        10.2.0.3\tdb p-db-1 database

        """)
    #expect(
      hosts.render(for: stack.services[1], hostname: "h", hostContent: "") == loopback + """
        10.2.0.3\th
        10.2.0.2\tweb p-web-1
        10.2.0.3\tdb p-db-1 database

        """)
    // The service's name is the host name unless the file says another: then one line is enough.
    #expect(
      hosts.render(for: stack.services[1], hostname: "db", hostContent: "") == loopback + """
        10.2.0.2\tweb p-web-1
        10.2.0.3\tdb p-db-1 database

        """)
  }

  @Test func `other network modes`() throws {
    let stack = try stack()
    let hosts = HostsFile(stack, try AddressPlan(stack))
    var service = stack.services[0]
    service.networkMode = .host
    let file = "127.0.0.1 localhost\n10.0.0.1 me"
    #expect(
      hosts.render(for: service, hostname: "h", hostContent: file)
        == file + "\n192.0.2.1\toutside\n127.0.0.1\tmachine\n")
    service.networkMode = .none
    #expect(hosts.render(for: service, hostname: "h", hostContent: file) == loopback + "192.0.2.1\toutside\n")
  }

  @Test(arguments: [
    // Reachable servers stay, with everything else that matters.
    (
      "# c\nnameserver 10.0.0.2\nnameserver 127.0.0.1\nsearch example.org\noptions ndots:2\nfoo bar\n", "",
      "nameserver 10.0.0.2\nsearch example.org\noptions ndots:2\n"
    ),
    // Behind the stub resolver.
    (
      "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch a\n",
      "nameserver 10.0.0.2\nnameserver fe80::1\nsearch b\n",
      "nameserver 10.0.0.2\nsearch b\n"
    ),
    ("nameserver 127.0.0.53\nsearch a\n", "nameserver 10.0.0.2\n", "nameserver 10.0.0.2\nsearch a\n"),
    ("nameserver ::1\n", "", ""),
    ("", "", ""),
    ("nameserver\n nameserver 10.0.0.9\nnameserver\t10.0.0.2  \r\n", "", "nameserver 10.0.0.2\n"),
  ])
  func `name servers that a container can reach`(host: String, upstream: String, expected: String) {
    let service = Service(name: "a", root: .host)
    #expect(ResolvConf.render(for: service, hostContent: host, upstreamContent: upstream) == expected)
  }

  @Test(arguments: [
    ("nameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n", "", ["10.0.0.2", "10.0.0.3"]),
    ("nameserver 127.0.0.53\noptions edns0 rotate\n", "nameserver 10.0.0.2\n", ["10.0.0.2"]),
    ("options rotate\n", "", []),
  ])
  func `behind the stack's own name server are those of the machine`(host: String, upstream: String, expected: [String])
  {
    let service = Service(name: "a", root: .host)
    let file = ResolvConf.render(for: service, gateway: "10.9.0.1", hostContent: host, upstreamContent: upstream)
    let options = host.contains("edns0") ? "options edns0 ndots:0\n" : "options ndots:0\n"
    #expect(file == (["10.9.0.1"] + expected).map { "nameserver \($0)\n" }.joined() + options)
    let inside = ResolvConf.render(
      for: service, gateway: "10.9.0.1", hasWayOut: false, hostContent: host, upstreamContent: upstream)
    #expect(inside == "nameserver 10.9.0.1\n" + options)
  }

  @Test func `a machine whose servers cannot be reached says so`() {
    var service = Service(name: "a", root: .host)
    func file() -> String {
      ResolvConf.render(
        for: service, gateway: "10.9.0.1", hostContent: "nameserver 127.0.0.1\n", upstreamContent: "")
    }
    #expect(file().contains("# 127.0.0.1 cannot be reached from here"))
    service.dns = ["192.0.2.1"]
    #expect(file() == "nameserver 10.9.0.1\nnameserver 192.0.2.1\noptions ndots:0\n")
  }

  @Test func `name servers of the file come first, and the host's file is left alone`() {
    var service = Service(name: "a", root: .host)
    let host = "nameserver 127.0.0.53\nsearch a\n"
    service.networkMode = .host
    #expect(ResolvConf.render(for: service, hostContent: host, upstreamContent: "") == host)
    service.dns = ["127.0.0.1", "2001:db8::1"]
    let expected = "nameserver 127.0.0.1\nnameserver 2001:db8::1\nsearch a\n"
    #expect(ResolvConf.render(for: service, hostContent: host, upstreamContent: "") == expected)
    service.networkMode = .networks([])
    #expect(ResolvConf.render(for: service, hostContent: host, upstreamContent: "") == expected)
  }
}
