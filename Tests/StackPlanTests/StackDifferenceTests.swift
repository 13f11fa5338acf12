import InternetAddress
import StackModel
import StackPlan
import Testing

@Suite struct ConfigurationHashTests {
  private func stack() -> Stack {
    var stack = Stack(name: "p", directory: "/p")
    stack.networks = [Network(key: "default", name: "p_default"), Network(key: "other", name: "p_other")]
    stack.volumes = [Volume(key: "data", name: "p_data"), Volume(key: "rest", name: "p_rest")]
    var service = Service(name: "a", root: .image("busybox"))
    service.networkMode = .networks([NetworkAttachment(network: "default")])
    service.mounts = [Mount(.volume(key: "data"), target: "/data")]
    service.labels = ["x": "1", "y": "2", "z": "3"]
    stack.services = [service]
    return stack
  }

  private func hash(_ stack: Stack, image: String? = "sha256:1") throws -> ConfigurationHash {
    try ConfigurationHash(of: stack.services[0], in: stack, imageID: image)
  }

  @Test func `the same service has the same hash in every process`() throws {
    let first = try hash(stack())
    #expect(first.description.wholeMatch(of: /[0-9a-f]{32}/) != nil)
    for _ in 0..<20 { #expect(try hash(stack()) == first) }
    // Pinned: dictionaries are hashed by sorted keys, not in the order of this process.
    #expect(first.description == "30aea37ba5a946a09a5d1decabf35661")
    #expect(ConfigurationHash(stored: first.description) == first)
  }

  /// A change of each property of a service.
  private static let changes: [String: @Sendable (inout Service) -> Void] = [
    "name": { $0.name = "b" },
    "root": { $0.root = .directory("/busybox") },
    "command": { $0.command = [] },
    "entrypoint": { $0.entrypoint = [] },
    "environment": { $0.environment = [EnvironmentVariable("A", "")] },
    "workingDirectory": { $0.workingDirectory = "/" },
    "user": { $0.user = "0" },
    "hostname": { $0.hostname = "h" },
    "usesInit": { $0.usesInit = true },
    "stopSignal": { $0.stopSignal = "SIGTERM" },
    "stopGracePeriod": { $0.stopGracePeriod = 0 },
    "hasTerminal": { $0.hasTerminal = true },
    "mounts": { $0.mounts[0].isReadOnly = true },
    "isReadOnly": { $0.isReadOnly = true },
    "sharedMemorySize": { $0.sharedMemorySize = 0 },
    "networkMode": { $0.networkMode = .networks([]) },
    "ports": { $0.ports = [PortMapping(containerPort: 80)] },
    "extraHosts": { $0.extraHosts = [ExtraHost(name: "a", address: "10.0.0.1")] },
    "dns": { $0.dns = ["10.0.0.1"] },
    "addedCapabilities": { $0.addedCapabilities = ["NET_ADMIN"] },
    "droppedCapabilities": { $0.droppedCapabilities = ["NET_ADMIN"] },
    "isPrivileged": { $0.isPrivileged = true },
    "noNewPrivileges": { $0.noNewPrivileges = true },
    "seccomp": { $0.seccomp = .unconfined },
    "sysctls": { $0.sysctls = ["a": "b"] },
    "devices": { $0.devices = [DeviceMapping(source: "/dev/a", target: "/dev/a")] },
    "oomScoreAdjustment": { $0.oomScoreAdjustment = 0 },
    "userNamespace": { $0.userNamespace = .host },
    "resources": { $0.resources.cpus = 0.5 },
    "ulimits": { $0.ulimits = [ResourceLimit(name: "nofile", soft: 1, hard: 2)] },
    "restart": { $0.restart = .onFailure(maximum: 3) },
    "labels": { $0.labels["x"] = "2" },
  ]

  @Test func `every property counts but the order of starting`() throws {
    var hashes = [try hash(stack())]
    for (_, change) in Self.changes.sorted(by: { $0.key < $1.key }) {
      var changed = stack()
      change(&changed.services[0])
      hashes.append(try hash(changed))
    }
    #expect(Set(hashes).count == hashes.count)
    var ordered = stack()
    ordered.services[0].dependencies = [Dependency(service: "db")]
    #expect(try hash(ordered) == hashes[0])
  }

  @Test func `networks, volumes and the image count as far as the service uses them`() throws {
    let first = try hash(stack())
    let changes: [(Bool, (inout Stack) -> Void)] = [
      (true, { $0.networks[0].name = "x" }),
      (false, { $0.networks[0].isInternal = true }),
      (true, { $0.volumes[0].name = "x" }),
      (true, { $0.name = "q" }),
      (false, { $0.networks[1].isInternal = true }),
      (false, { $0.networks[0].labels = ["a": "b"] }),
      (false, { $0.volumes[1].name = "x" }),
      (false, { $0.directory = "/elsewhere" }),
      (false, { $0.services.append(Service(name: "b", root: .host)) }),
    ]
    for (index, (counts, change)) in changes.enumerated() {
      var changed = stack()
      change(&changed)
      #expect((try hash(changed) != first) == counts, "change \(index)")
    }
    #expect(try hash(stack(), image: "sha256:2") != first)
    #expect(try hash(stack(), image: nil) != first)
  }

  @Test func `what its networks are counts apart from what the service is`() throws {
    func hash(_ stack: Stack) throws -> ConfigurationHash {
      try ConfigurationHash(ofNetworksOf: stack.services[0], in: stack, addresses: try AddressPlan(stack))
    }
    let first = try hash(stack())
    let changes: [(Bool, (inout Stack) -> Void)] = [
      (true, { $0.networks[0].isInternal = true }),
      (true, { $0.networks[0].mtu = 1400 }),
      (true, { $0.networks[0].name = "x" }),
      (true, { $0.networks[0].subnet = IPv4Subnet("10.5.0.0/24") }),
      (false, { $0.networks[1].isInternal = true }),
      (false, { $0.networks[0].labels = ["a": "b"] }),
      (false, { $0.services[0].command = ["other"] }),
    ]
    for (index, (counts, change)) in changes.enumerated() {
      var changed = stack()
      change(&changed)
      #expect((try hash(changed) != first) == counts, "change \(index)")
    }
  }

  @Test func `parts do not run into each other`() throws {
    var one = stack()
    var two = stack()
    one.services[0].command = ["ab", "c"]
    two.services[0].command = ["a", "bc"]
    #expect(try hash(one) != hash(two))
    one.services[0].command = []
    two.services[0].command = nil
    #expect(try hash(one) != hash(two))
    one.services[0].environment = [EnvironmentVariable("A", "1"), EnvironmentVariable("B", "2")]
    two.services[0] = one.services[0]
    two.services[0].environment.reverse()
    #expect(try hash(one) != hash(two))
  }

  @Test func `500 services in milliseconds`() throws {
    let stack = stack()
    let elapsed = try ContinuousClock().measure {
      for _ in 0..<500 {
        _ = try ConfigurationHash(of: stack.services[0], in: stack, imageID: nil)
      }
    }
    #expect(elapsed < .seconds(1))
  }
}

@Suite struct StackDifferenceTests {
  private func hash(_ text: String) -> ConfigurationHash { ConfigurationHash(stored: text) }

  private func wanted(_ name: String, _ text: String, guestOf owner: String? = nil) -> (Service, ConfigurationHash) {
    var service = Service(name: name, root: .host)
    if let owner { service.networkMode = .service(owner) }
    return (service, hash(text))
  }

  private func present(_ name: String, _ text: String, _ state: RunningService.State = .running) -> RunningService {
    RunningService(service: name, configurationHash: hash(text), state: state)
  }

  private func actions(
    _ wanted: [(Service, ConfigurationHash)], _ running: [RunningService],
    _ recreation: StackDifference.Recreation = .whenChanged
  ) -> [String: StackDifference.Action] {
    let difference = StackDifference.between(
      wanted: wanted.map { (service: $0.0, hash: $0.1) }, running: running, recreation: { _ in recreation })
    return Dictionary(uniqueKeysWithValues: difference.services.map { ($0.service, $0.action) })
  }

  @Test func `only what differs is changed`() {
    let wanted = [wanted("new", "1"), wanted("same", "1"), wanted("changed", "2"), wanted("ended", "1")]
    let running = [
      present("same", "1"), present("changed", "1"), present("ended", "1", .stopped), present("z", "1"),
      present("b", "1"),
    ]
    let difference = StackDifference.between(
      wanted: wanted.map { (service: $0.0, hash: $0.1) }, running: running)
    #expect(
      difference.services == [
        .init(service: "new", action: .create), .init(service: "same", action: .keep),
        .init(service: "changed", action: .recreate(.configurationChanged)), .init(service: "ended", action: .start),
      ])
    #expect(difference.orphans == ["b", "z"])
  }

  @Test func `a container of which nothing is known is made anew`() {
    let lost = RunningService(service: "a", configurationHash: nil, state: .running)
    for recreation in [StackDifference.Recreation.whenChanged, .never, .always] {
      #expect(actions([wanted("a", "1")], [lost], recreation) == ["a": .recreate(.recordLost)])
    }
    // Also one that has never run: it may be half made.
    let unmade = RunningService(service: "a", configurationHash: nil, state: .stopped)
    #expect(actions([wanted("a", "1")], [unmade]) == ["a": .recreate(.recordLost)])
  }

  @Test func `recreation can be forced and forbidden`() {
    let services = [wanted("a", "1"), wanted("b", "2"), wanted("c", "1")]
    let running = [present("a", "1"), present("b", "1")]
    #expect(
      actions(services, running, .always) == ["a": .recreate(.forced), "b": .recreate(.forced), "c": .create])
    #expect(actions(services, running, .never) == ["a": .keep, "b": .keep, "c": .create])
  }

  @Test func `who lives in a network namespace goes with its owner`() {
    let services = [
      wanted("inner", "1", guestOf: "guest"), wanted("guest", "1", guestOf: "owner"), wanted("owner", "1"),
    ]
    let running = [present("inner", "1"), present("guest", "1"), present("owner", "0")]
    #expect(
      actions(services, running) == [
        "owner": .recreate(.configurationChanged), "guest": .recreate(.namespaceOwnerReplaced("owner")),
        "inner": .recreate(.namespaceOwnerReplaced("guest")),
      ])
    let restarted = [present("inner", "1", .stopped), present("guest", "1"), present("owner", "1", .stopped)]
    #expect(
      actions(services, restarted) == [
        "owner": .start, "guest": .recreate(.namespaceOwnerReplaced("owner")), "inner": .start,
      ])
  }

  @Test func `on other networks a container starts again, and stays what it is`() {
    func action(_ state: RunningService.State, _ recreation: StackDifference.Recreation = .whenChanged)
      -> StackDifference.Action?
    {
      var there = present("a", "1", state)
      there.hasOtherNetworks = true
      return actions([wanted("a", "1")], [there], recreation)["a"]
    }
    #expect(action(.running) == .reconnect)
    #expect(action(.stopped) == .start)
    #expect(action(.completed) == .keep)
    #expect(action(.running, .never) == .keep)
    #expect(action(.running, .always) == .recreate(.forced))
  }

  @Test func `steps before a start follow the containers that they are for`() {
    var service = Service(name: "a", root: .host)
    service.preStart = [InitStep(command: ["x"])]
    func actions(_ running: [RunningService], count: Int = 1) -> [StackDifference.Action] {
      var stack = Stack(name: "p", directory: "/")
      stack.services = [service]
      return StackDifference.between(
        wanted: stack.scaled(["a": count]).services.map { (service: $0, hash: hash("1")) }, running: running
      ).services.map(\.action)
    }
    let step = "a pre_start[0]"
    #expect(actions([]) == [.create, .create])
    #expect(actions([present("a", "1"), present(step, "1", .completed)]) == [.keep, .keep])
    // Neither a step that failed nor one that is new is done beside what runs.
    #expect(actions([present("a", "1"), present(step, "1", .stopped)]) == [.keep, .keep])
    #expect(actions([present("a", "1")]) == [.keep, .keep])
    #expect(actions([present("a", "1", .stopped), present(step, "1", .completed)]) == [.start, .keep])
    #expect(actions([present("a", "1", .stopped), present(step, "1", .stopped)]) == [.start, .start])
    // What it prepared may have gone with the container.
    #expect(
      actions([present("a", "0"), present(step, "1", .completed)]) == [
        .recreate(.configurationChanged), .recreate(.forced),
      ])
    #expect(actions([present(step, "1", .completed)]) == [.create, .recreate(.forced)])
    #expect(actions([present("a", "1"), present(step, "1", .completed)], count: 2) == [.keep, .create, .keep])
  }

  @Test func `others are left alone`() {
    let difference = StackDifference.between(
      wanted: [
        (service: Service(name: "a", root: .host), hash: hash("1")),
        (service: Service(name: "b", root: .host), hash: hash("1")),
      ],
      running: [present("a", "0"), present("b", "0")], isSelected: { $0 == "b" })
    #expect(difference.services == [.init(service: "b", action: .recreate(.configurationChanged))])
    #expect(difference.orphans.isEmpty)
  }
}
