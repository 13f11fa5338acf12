import StackModel
import Testing

@testable import StackFile

@Suite struct NamespaceKeyTests {
  @Test(
    arguments: [
      ("pid: host", .host, nil), ("pid: service:db", .service("db"), nil), ("ipc: host", nil, .host),
      ("ipc: service:db", nil, .service("db")), ("ipc: shareable", nil, nil), ("ipc: private", nil, nil),
    ] as [(String, NamespaceSharing?, NamespaceSharing?)])
  func sharing(_ line: String, _ pid: NamespaceSharing?, _ ipc: NamespaceSharing?) {
    let service = web(line, top: "  db: {image: i}\n")
    #expect(service?.pid == pid && service?.ipc == ipc)
    #expect(service?.namespaceOwners == [pid, ipc].compactMap { $0?.owner })
  }

  @Test(
    arguments: [
      ("pid: hots", "\"hots\" is not a mode of pid | did you mean \"host\"?"),
      ("pid: service:web", "dependency cycle: web -> web | web waits for web in line 4; remove one of these"),
      ("ipc: container:x", "container: is not supported yet | use service:NAME for a service of this file"),
      ("uts: own", "\"own\" is not a mode of uts | host, or remove uts:"),
      ("uts: host\nhostname: h", "hostname: is given, but uts: host is the machine's own name | keep one of the two"),
      ("mem_limit: 1k", "1024 bytes of memory are too few for a program to start | the least is 6m"),
      ("platform: windows/amd64", "programs for windows cannot be run here | for example linux/amd64"),
      ("platform: a/b/c/d", "\"a/b/c/d\" is not a platform | the form is linux/ARCHITECTURE[/VARIANT]"),
      (
        "networks: {default: {mac_address: '03:42:ac:11:00:02'}}",
        "03:42:ac:11:00:02 is an address of a group | the first octet must be even"
      ),
      (
        "networks: {default: {interface_name: a/b}}",
        "\"a/b\" is not the name of an interface | at most 15 characters"
      ),
      (
        "volumes: [{type: volume, source: v, target: /x, volume: {subpath: ../y}}]",
        "\"../y\" must be a path in the volume | for example data/current"
      ),
      (
        "volumes: [{type: bind, source: ., target: /x, bind: {propagation: salve}}]",
        "there is no propagation \"salve\" | did you mean \"slave\"?"
      ),
    ]) func mistakes(_ lines: String, _ message: String)
  {
    let found = errors(service(lines, top: "volumes: {v: {}}\n"))
    #expect(found.map { $0.split(separator: ": ", maxSplits: 1).last.map(String.init) } == [message])
  }

  @Test(arguments: ["pid", "ipc"]) func aMissingOwnerIsFound(_ key: String) {
    #expect(errors(service("\(key): service:nobody")).count == 1)
  }

  @Test func aCircleOfOwnersIsFound() {
    let text = "services:\n  a: {image: i, pid: 'service:b'}\n  b: {image: i, ipc: 'service:a'}\n"
    #expect(errors(text).count == 1)
    #expect(errors(text).first?.contains("cycle") == true)
  }

  @Test func thePlatformIsReadInAllItsForms() {
    #expect(web("platform: linux/arm64/v8")?.platform == ImagePlatform(architecture: "arm64", variant: "v8"))
    #expect(web("platform: Linux/x86_64")?.platform == ImagePlatform(architecture: "amd64"))
    #expect(web("platform: arm64")?.platform == ImagePlatform(architecture: "arm64"))
  }

  @Test func onlyAPolicyThatAsksForMoreThanTheStoreIsSaid() {
    for policy in ["missing", "never", "if_not_present"] {
      #expect(load(service("pull_policy: \(policy)")).diagnostics.isEmpty, "\(policy)")
    }
    for policy in ["always", "build", "daily", "every_12h"] {
      #expect(load(service("pull_policy: \(policy)")).diagnostics.map(\.severity) == [.warning], "\(policy)")
    }
  }

  @Test func attachmentsHaveTheirInterface() {
    let service = web(
      "mac_address: 02:00:00:00:00:01\nnetworks:\n  a:\n  b: {interface_name: b0, gw_priority: 3}",
      top: "networks: {a: {}, b: {}}\n")
    guard case .networks(let attachments)? = service?.networkMode else { return }
    #expect(attachments.map(\.hardwareAddress) == ["02:00:00:00:00:01", nil])
    #expect(attachments.map(\.interfaceName) == [nil, "b0"])
    #expect(attachments.map(\.gatewayPriority) == [nil, 3])
  }

  @Test func mountsHaveTheirOptions() {
    let mounts = web(
      """
      tmpfs: ["/t:exec,nr_inodes=1k,noexec,suid"]
      volumes:
        - v:/a:nocopy
        - .:/b:ro,rslave,z
        - {type: bind, source: ., target: /c, bind: {recursive: disabled}}
        - {type: volume, source: v, target: /d, volume: {subpath: x/y}}
      """, top: "volumes: {v: {}}\n")?.mounts
    #expect(mounts?.map(\.keepsEmpty) == [true, nil, nil, nil, nil])
    #expect(mounts?.map(\.propagation) == [nil, .slave, nil, nil, nil])
    #expect(mounts?.map(\.below) == [nil, nil, .absent, nil, nil])
    #expect(mounts?.map(\.subpath) == [nil, nil, nil, "x/y", nil])
    guard case .tmpfs(let options)? = mounts?.last?.source else {
      Issue.record("the tmpfs is not the last mount")
      return
    }
    #expect(options.inodes == 1024 && options.allowed == ["suid"])
  }
}
