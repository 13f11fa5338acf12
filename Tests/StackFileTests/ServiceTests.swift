import FoundationEssentials
import InternetAddress
import StackModel
import Testing

@testable import StackFile

@Suite struct ServiceTests {
  /// docker compose prints the number in both places once there is a `deploy`.
  @Test func scaleIsAlsoTheNumberOfReplicas() {
    let text = service("scale: 3\ndeploy: {labels: {a: b}}")
    #expect(canonical(load(text), "services.web.deploy.replicas") == "3")
    #expect(canonical(load(service("scale: 3")), "services.web.deploy") == nil)
    #expect(canonical(load(text) { $0.phases.checks = false }, "services.web.deploy.replicas") == nil)
  }

  @Test func rarerLimits() throws {
    let resources = try #require(
      web(
        """
        cpu_quota: 20000
        cpu_period: 50000
        mem_swappiness: 10
        oom_kill_disable: true
        device_cgroup_rules: ["c 10:200 rwm", "a *:* m"]
        deploy: {resources: {reservations: {memory: 32m}}}
        """
      )?.resources)
    #expect(resources.cpuQuota == 20_000 && resources.cpuPeriod == 50_000 && resources.swappiness == 10)
    #expect(resources.disablesOOMKill == true && resources.memoryReservation == 32 << 20)
    #expect(resources.deviceRules?.map(\.description) == ["c 10:200 rwm", "c *:* m", "b *:* m"])
  }

  @Test func blockDevices() throws {
    let blocks = try #require(
      web(
        """
        blkio_config:
          weight: 300
          weight_device: [{path: /dev/sda, weight: 400}]
          device_read_bps: [{path: /dev/sdb, rate: 12mb}, {path: /dev/sdc, rate: 0}]
          device_write_iops: [{path: /dev/sdb, rate: 30}]
        """
      )?.resources.blocks)
    #expect(blocks.weight == 300)
    #expect(
      blocks.devices == [
        .init(kind: .weight, path: "/dev/sda", value: 400), .init(kind: .readBytes, path: "/dev/sdb", value: 12 << 20),
        .init(kind: .writeOperations, path: "/dev/sdb", value: 30),
      ])
    #expect(web("blkio_config: {weight: 0}")?.resources.blocks == nil)
    #expect(
      errors("services:\n  web: {image: i, blkio_config: {weight: 5, device_read_bps: [{path: sda, rate: 1}]}}") == [
        "2:42: a weight is 10 to 1000, but this is 5",
        "2:70: path must be that of a device | for example /dev/sda",
      ])
  }

  @Test func aVolumeMayBeADirectory() throws {
    func load(_ options: String) -> LoadResult {
      StackFileTests.load(
        "services: {web: {image: i, volumes: ['data:/d']}}\nvolumes: {data: {driver_opts: \(options)}}\n")
    }
    let bound = load("{type: none, o: bind, device: /srv/data}")
    #expect(bound.stack?.volumes.first?.directory == "/srv/data" && bound.diagnostics == [])
    let remote = load("{type: nfs, o: 'addr=10.0.0.1,rw', device: ':/data'}")
    #expect(remote.stack?.volumes.first?.directory == nil)
    #expect(
      lines(remote) == [
        "2:31: of driver_opts, only type: none with o: bind and device: is acted on yet: this volume is a directory of the store"
      ])
    #expect(
      lines(load("{type: none, o: bind, device: data}")) == [
        "2:61: device \"data\" must be an absolute path | with driver: local it starts at the directory of the file"
      ])
  }

  @Test(arguments: [("enable_ipv4: true", "enable_ipv4: false"), ("enable_ipv6: false", "enable_ipv6: true")])
  func whatIsSoAnywayIsNotTold(_ usual: String, _ other: String) {
    func count(_ line: String) -> Int {
      load("services: {web: {image: i, networks: [n]}}\nnetworks: {n: {\(line)}}\n").diagnostics.count
    }
    #expect(count(usual) == 0 && count(other) == 1)
  }

  @Test func rulesAboutDevicesAreReadAndKeptAsText() throws {
    let rule = try #require(DeviceRule.parse("b 8:* r")?.first)
    #expect(rule.kind == .block && rule.major == 8 && rule.minor == nil && rule.access == "r")
    let rules = try #require(DeviceRule.parse("a 1:3 wm"))
    #expect(rules.map(\.description) == ["c 1:3 wm", "b 1:3 wm"])
    #expect(try JSONDecoder().decode([DeviceRule].self, from: JSONEncoder().encode(rules)) == rules)
    for text in ["", "c 1:3", "x 1:3 r", "c 1 r", "c 1:3 q", "c -1:3 r", "c 1: r", "c 1:2:3 r"] {
      #expect(DeviceRule.parse(text) == nil)
    }
  }

  @Test(arguments: [
    ("cpu_quota: 5", "2:30: cpu_quota is in microseconds: the least is 1000, this is 5"),
    ("cpu_period: 5", "2:31: cpu_period is in microseconds, from 1000 to 1000000, but this is 5"),
    ("mem_swappiness: 101", "2:35: mem_swappiness is 0 to 100, but this is 101"),
    (
      "device_cgroup_rules: [c 1 rw]",
      "2:41: \"c 1 rw\" is not a rule about devices | the form is KIND MAJOR:MINOR ACCESS with c, b or a, numbers or *, and some of rwm: c 10:200 rwm"
    ),
  ]) func rarerLimitsThatAreWrong(_ text: String, _ expected: String) {
    #expect(errors("services:\n  web: {image: i, \(text)}") == [expected])
  }

  @Test func everyKeyReachesTheModel() throws {
    let service = try #require(
      web(
        """
        container_name: the-web
        command: run --fast "two words"
        entrypoint: [/bin/entry, -x]
        environment: {A: 1, B: two, C: true, D: , HOME: }
        working_dir: /srv
        user: "1000:1000"
        hostname: web.example
        init: true
        tty: yes
        stop_signal: SIGQUIT
        stop_grace_period: 1m30s
        read_only: true
        shm_size: 128m
        extra_hosts: ["a=10.0.0.1", "b:10.0.0.2", "c=[::1]", "d=host-gateway", "e=10.0.0.3,10.0.0.4"]
        dns: 9.9.9.9
        cap_add: [NET_ADMIN, cap_sys_time]
        cap_drop: [ALL]
        privileged: false
        security_opt: ["no-new-privileges:true", "seccomp=unconfined"]
        sysctls: {net.core.somaxconn: 1024, net/ipv4/ip_forward: 1}
        devices: [/dev/fuse, "/dev/a:/dev/b", "/dev/c:/dev/d:r", {source: /dev/e}]
        oom_score_adj: -500
        userns_mode: host
        mem_limit: 512m
        memswap_limit: 1g
        cpus: 1.5
        cpu_shares: 512
        cpuset: 0-2,4
        pids_limit: 100
        ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}, core: -1}
        restart: on-failure:3
        labels: [a=1, b]
        expose: [80, "90-91/udp"]
        """))
    #expect(service.name == "web" && service.root == .image("i") && service.containerName == "the-web")
    #expect(service.command == ["run", "--fast", "two words"])
    #expect(service.entrypoint == ["/bin/entry", "-x"])
    #expect(service.environment.map { "\($0.name)=\($0.value)" } == ["A=1", "B=two", "C=true", "HOME=/home/user"])
    #expect(service.workingDirectory == "/srv" && service.user == "1000:1000" && service.hostname == "web.example")
    #expect(service.usesInit && service.hasTerminal && service.isReadOnly && service.noNewPrivileges)
    #expect(service.stopSignal == "SIGQUIT" && service.stopGracePeriod == 90_000_000_000)
    #expect(service.sharedMemorySize == 128 << 20)
    #expect(
      service.extraHosts.map { "\($0.name) \($0.address)" } == [
        "a 10.0.0.1", "b 10.0.0.2", "c ::1", "d host-gateway", "e 10.0.0.3", "e 10.0.0.4",
      ])
    #expect(service.dns == ["9.9.9.9"])
    #expect(service.addedCapabilities == ["NET_ADMIN", "SYS_TIME"] && service.droppedCapabilities == ["ALL"])
    #expect(!service.isPrivileged && service.seccomp == .unconfined && service.userNamespace == .host)
    #expect(service.sysctls == ["net.core.somaxconn": "1024", "net.ipv4.ip_forward": "1"])
    #expect(
      service.devices.map { "\($0.source) \($0.target) \($0.permissions)" } == [
        "/dev/fuse /dev/fuse rwm", "/dev/a /dev/b rwm", "/dev/c /dev/d r", "/dev/e /dev/e rwm",
      ])
    #expect(service.oomScoreAdjustment == -500)
    #expect(service.resources.memory == 512 << 20 && service.resources.memoryAndSwap == 1 << 30)
    #expect(service.resources.cpus == 1.5 && service.resources.cpuShares == 512 && service.resources.cpuset == "0-2,4")
    #expect(service.resources.pids == 100)
    #expect(
      service.ulimits.map { "\($0.name) \($0.soft) \($0.hard)" } == [
        "nproc 65535 65535", "nofile 20000 40000", "core -1 -1",
      ])
    #expect(service.restart == .onFailure(maximum: 3))
    #expect(service.labels == ["a": "1", "b": ""])
    #expect(service.networkMode == .networks([NetworkAttachment(network: "default")]))
  }

  @Test func readinessAndRestarts() throws {
    let stack = try #require(
      load(
        """
        services:
          a: {image: i, healthcheck: {test: curl x, interval: 2s, retries: 5, start_period: 1m}}
          b: {image: i, healthcheck: {test: [CMD, curl, x], disable: true}}
          c: {image: i, ready: {tcp: 5432, timeout: 500ms}}
          d: {image: i, ready: {http: ':8080/health'}}
          e: {image: i, ready: {http: {port: 80, status: 204, header: {Host: x}}}}
          f: {image: i, ready: {log: 'ready to.*'}, deploy: {restart_policy: {condition: on-failure, max_attempts: 3, delay: 5s}}}
          g: {image: i, ready: {file: /run/ready}, post_start: [{command: echo hi, user: root}]}
        """
      ).stack)
    let checks = stack.services.map(\.healthCheck)
    var a = HealthCheck(.shell("curl x"))
    (a.interval, a.retries, a.startPeriod) = (2_000_000_000, 5, 60_000_000_000)
    #expect(checks[0] == a)
    #expect(checks[1]?.isDisabled == true)
    #expect(checks[2]?.probe == .tcp(port: 5432) && checks[2]?.timeout == 500_000_000)
    #expect(checks[3]?.probe == .http(HTTPProbe(port: 8080, path: "/health")))
    var request = HTTPProbe(port: 80, status: 204)
    request.headers = [EnvironmentVariable("Host", "x")]
    #expect(checks[4]?.probe == .http(request))
    #expect(checks[5]?.probe == .log(pattern: "ready to.*"))
    #expect(stack.services[5].restart == .onFailure(maximum: 3))
    #expect(stack.services[5].restartTiming == RestartTiming(delay: 5_000_000_000, maximumAttempts: 3))
    #expect(checks[6]?.probe == .file(path: "/run/ready"))
    #expect(stack.services[6].postStart?.map(\.command) == [["echo", "hi"]])
  }

  @Test func whatIsNotSaidIsNotThere() throws {
    let service = try #require(web(""))
    #expect(service == Service(name: "web", root: .image("i")).onDefaultNetwork)
  }

  @Test func emptyAndMissingCommandsDiffer() {
    #expect(web("command: []")?.command == [])
    #expect(web("command: ''")?.command == [])
    #expect(web("command:")?.command == nil)
    #expect(web("entrypoint: null")?.entrypoint == nil)
  }

  @Test(
    arguments: [
      ("image: alpine", .image("alpine")), ("rootfs: ./base", .directory("/project/base")),
      ("rootfs: /srv/a.tar.zst", .archive("/srv/a.tar.zst")), ("rootfs: ~/x", .directory("/home/user/x")),
      ("rootfs: host", .host),
    ] as [(String, RootFilesystem)]) func root(_ line: String, _ root: RootFilesystem)
  {
    #expect(load("services:\n  a:\n    \(line)\n").stack?.services.first?.root == root)
  }

  @Test(
    arguments: [
      ("./data:/data", .bind(path: "/project/data", createMissing: true), "/data", false),
      ("/a:/b:ro", .bind(path: "/a", createMissing: true), "/b", true),
      ("~/x:/b:rw", .bind(path: "/home/user/x", createMissing: true), "/b", false),
      (".:/b/../c/", .bind(path: "/project", createMissing: true), "/c", false),
      ("../x:/b", .bind(path: "/x", createMissing: true), "/b", false),
      ("vol:/b", .volume(key: "vol"), "/b", false), ("/anonymous", .anonymousVolume, "/anonymous", false),
      (
        "{type: bind, source: ./x, target: /b, read_only: true}", .bind(path: "/project/x", createMissing: false), "/b",
        true
      ),
      (
        "{type: bind, source: x, target: /b, bind: {create_host_path: true}}",
        .bind(path: "/project/x", createMissing: true), "/b", false
      ),
      ("{type: volume, source: vol, target: /b}", .volume(key: "vol"), "/b", false),
      ("{type: volume, target: /b}", .anonymousVolume, "/b", false),
      (
        "{type: tmpfs, target: /b, tmpfs: {size: 64m, mode: 0o1777}}",
        .tmpfs(TmpfsOptions(size: 64 << 20, mode: 0o1777)), "/b", false
      ),
      (
        "{type: tmpfs, target: /b, tmpfs: {mode: \"700\"}}", .tmpfs(TmpfsOptions(mode: 0o700)), "/b",
        false
      ),
    ] as [(String, Mount.Source, String, Bool)])
  func volume(_ item: String, _ source: Mount.Source, _ target: String, _ isReadOnly: Bool) {
    let service = web("volumes:\n  - \(item)", top: "volumes: {vol: }\n")
    #expect(service?.mounts == [Mount(source, target: target, isReadOnly: isReadOnly)])
  }

  @Test func tmpfsHasOptions() {
    #expect(
      web("tmpfs: [/a, \"/b:size=64m,mode=1777,uid=1,gid=2,ro\"]")?.mounts == [
        Mount(.tmpfs(TmpfsOptions()), target: "/a"),
        Mount(.tmpfs(TmpfsOptions(size: 64 << 20, mode: 0o1777, uid: 1, gid: 2)), target: "/b", isReadOnly: true),
      ])
    #expect(web("tmpfs: /run")?.mounts.map(\.target) == ["/run"])
  }

  @Test(
    arguments: [
      ("no", .no), ("\"no\"", .no), ("always", .always), ("unless-stopped", .unlessStopped),
      ("on-failure", .onFailure(maximum: nil)), ("on-failure:5", .onFailure(maximum: 5)),
      ("on-failure:0", .onFailure(maximum: nil)),
    ] as [(String, RestartPolicy)]) func restart(_ text: String, _ policy: RestartPolicy)
  {
    #expect(web("restart: \(text)")?.restart == policy)
  }

  @Test(
    arguments: [
      ("seccomp: default", .default), ("seccomp: ./p.json", .profile(path: "/project/p.json")),
      ("security_opt: [seccomp:unconfined]", .unconfined),
      ("security_opt: [seccomp=p.json]", .profile(path: "/project/p.json")),
    ] as [(String, SeccompChoice)]) func seccomp(_ line: String, _ choice: SeccompChoice)
  {
    #expect(web(line)?.seccomp == choice)
  }

  @Test func limitsOfDeployAreTheSameLimits() {
    let service = web("deploy: {resources: {limits: {memory: 64m, cpus: '0.5', pids: 7}}}\nmem_limit: 67108864")
    #expect(service?.resources.memory == 64 << 20 && service?.resources.cpus == 0.5 && service?.resources.pids == 7)
    #expect(errors(disagreeing)[0].contains("cpus: is 1 in stack.yaml:4, but this is 0.5"))
  }

  private let disagreeing = service("cpus: 1\ndeploy: {resources: {limits: {cpus: '0.5'}}}")

  @Test func dependencies() throws {
    let stack = try #require(
      load(
        """
        services:
          a: {image: i, depends_on: [b, c]}
          b: {image: i, depends_on: {c: {condition: service_healthy}, gone: {condition: service_started, required: false}}}
          c: {image: i, network_mode: "service:d"}
          d: {image: i}
        """
      ).stack)
    #expect(stack.services[0].dependencies == [Dependency(service: "b"), Dependency(service: "c")])
    #expect(
      stack.services[1].dependencies == [
        Dependency(service: "c", condition: .healthy), Dependency(service: "gone", isRequired: false),
      ])
    #expect(stack.services[2].networkMode == .service("d"))
    #expect(stack.services[2].dependencies == [Dependency(service: "d", restarts: true)])
  }

  @Test func networksAndVolumes() throws {
    let stack = try #require(
      load(
        """
        name: shop
        services:
          a:
            image: i
            networks: {front: , back: {aliases: [x, y], ipv4_address: 10.5.0.10}}
          b: {image: i, networks: [back]}
          c: {image: i}
        networks:
          front: {internal: true, labels: {k: v}, driver: bridge}
          back:
            name: real-back
            driver_opts: {com.docker.network.driver.mtu: 1400}
            ipam: {config: [{subnet: 10.5.0.0/24, gateway: 10.5.0.254}]}
          out: {external: true}
        volumes: {data: , kept: {external: true, name: elsewhere}}
        """
      ).stack)
    #expect(stack.networks.map(\.key) == ["default", "front", "back", "out"])
    #expect(stack.networks.map(\.name) == ["shop_default", "shop_front", "real-back", "out"])
    #expect(stack.networks[1].isInternal && stack.networks[1].labels == ["k": "v"] && stack.networks[3].isExternal)
    #expect(stack.networks[2].mtu == 1400 && stack.networks[2].subnet == IPv4Subnet("10.5.0.0/24"))
    #expect(stack.networks[2].gateway == IPv4Address("10.5.0.254"))
    #expect(stack.volumes.map(\.name) == ["shop_data", "elsewhere"])
    guard case .networks(let attachments) = stack.services[0].networkMode else {
      Issue.record("a is on networks")
      return
    }
    #expect(attachments.map(\.network) == ["front", "back"])
    #expect(attachments[1].aliases == ["x", "y"] && attachments[1].address == IPv4Address("10.5.0.10"))
  }
}

extension Service {
  fileprivate var onDefaultNetwork: Service {
    var service = self
    service.networkMode = .networks([NetworkAttachment(network: "default")])
    return service
  }
}
