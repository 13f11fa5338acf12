import InternetAddress

/// One service: what a container of it is made from.
///
/// Names and meanings are the Compose Specification's; a nil or empty property means that the file does not say, and the
/// image's or the engine's default holds.
package struct Service: Sendable, Hashable, Codable {
  package var name: String
  /// Which of several containers of a service this stands for, where a stack is taken apart into them; nil is the only one,
  /// or the first.
  package var instance: ServiceInstance?
  /// `container_name`; nil is `<project>-<service>-1`.
  package var containerName: String?
  package var root: RootFilesystem
  /// `platform`: what the image must be for.
  package var platform: ImagePlatform?

  // The process.
  /// nil keeps the image's; empty removes it.
  package var command: [String]?
  /// nil keeps the image's; empty removes it. Not nil also discards the image's command.
  package var entrypoint: [String]?
  /// In the order of the file, `env_file` first; names are unique.
  package var environment: [EnvironmentVariable] = []
  package var workingDirectory: String?
  /// `user[:group]`, names or numbers.
  package var user: String?
  package var hostname: String?
  /// A small init as PID 1 that forwards signals and reaps.
  package var usesInit = false
  /// A number or name that `SignalName` accepts, for example `SIGTERM`; nil is the image's, or SIGTERM.
  package var stopSignal: String?
  /// Nanoseconds between the stop signal and SIGKILL; nil is 10 s.
  package var stopGracePeriod: UInt64?
  package var hasTerminal = false
  package var keepsStandardInput: Bool?
  /// `group_add`: names or numbers.
  package var supplementaryGroups: [String]?
  package var domainName: String?

  // Files.
  package var mounts: [Mount] = []
  package var isReadOnly = false
  /// Bytes of /dev/shm; nil is 64 MiB.
  package var sharedMemorySize: UInt64?
  package var secrets: [FileGrant]?
  package var configs: [FileGrant]?

  // The network.
  package var networkMode: NetworkMode = .networks([])
  package var ports: [PortMapping] = []
  /// `expose`: ports that it listens on and does not publish, each once; nil is none beyond the image's.
  package var exposedPorts: [ExposedPort]?
  /// `host:address` pairs for /etc/hosts; the address may be `host-gateway`.
  package var extraHosts: [ExtraHost] = []
  package var dns: [String] = []
  /// nil is the machine's.
  package var dnsSearch: [String]?
  package var dnsOptions: [String]?

  // Order.
  package var dependencies: [Dependency] = []

  // Security.
  package var addedCapabilities: [String] = []
  package var droppedCapabilities: [String] = []
  package var isPrivileged = false
  package var noNewPrivileges = false
  package var seccomp: SeccompChoice = .default
  /// The system calls that it makes are written down (`stack seccomp record`); nil is no.
  package var recordsCalls: Bool?
  package var sysctls: [String: String] = [:]
  package var devices: [DeviceMapping] = []
  package var oomScoreAdjustment: Int?
  package var userNamespace: UserNamespaceMode = .default
  /// `x-own`: whether files that it writes into bind mounts belong to who called the command; nil: where sudo did.
  package var givesFilesToCaller: Bool?
  /// nil is a namespace of its own.
  package var pid: NamespaceSharing?
  package var ipc: NamespaceSharing?
  /// `ipc: none`: there is no /dev/shm.
  package var hasNoSharedMemory: Bool?
  /// `uts: host`: it has the machine's host name, and may change it with the right to.
  package var sharesHostname: Bool?
  /// `cgroup: host`: it sees the machine's cgroups.
  package var sharesCgroupNamespace: Bool?

  // Limits.
  package var resources = Resources()
  package var ulimits: [ResourceLimit] = []

  // Life.
  package var restart: RestartPolicy = .no
  package var restartTiming: RestartTiming?
  /// `healthcheck` or `ready`; nil is the image's.
  package var healthCheck: HealthCheck?
  package var postStart: [LifecycleHook]?
  package var preStop: [LifecycleHook]?
  /// The number of containers (`scale`, `deploy.replicas`); nil is 1.
  package var replicas: Int?
  /// Whether an attached `up` shows its output (`attach`); nil is yes.
  package var isAttached: Bool?
  /// `pre_start`: containers of their own that have to succeed before the service's is made.
  package var preStart: [InitStep]?
  package var logging: Logging?
  package var labels: [String: String] = [:]

  package init(name: String, root: RootFilesystem) {
    self.name = name
    self.root = root
  }
}

/// One container of a service that has several.
package struct ServiceInstance: Sendable, Hashable, Codable {
  package enum Kind: Sendable, Hashable, Codable {
    /// A replica, numbered from 1.
    case replica(Int)
    /// A container for one command, made by `run`; the text makes its name unique.
    case oneOff(String)
    /// A container that has to succeed before those of the service start.
    case initStep(InitStep.Place)
  }

  /// The service's own name.
  package var service: String
  package var kind: Kind

  package init(service: String, kind: Kind) {
    self.service = service
    self.kind = kind
  }
}

extension Service {
  /// The name in the stack file, which all containers of the service share.
  package var serviceName: String { instance?.service ?? name }

  /// From 1.
  package var number: Int {
    if case .replica(let number)? = instance?.kind { number } else { 1 }
  }

  package var isOneOff: Bool {
    if case .oneOff? = instance?.kind { true } else { false }
  }

  /// Which step before the service's start this stands for; nil is none.
  package var initPlace: InitStep.Place? {
    if case .initStep(let place)? = instance?.kind { place } else { nil }
  }
}

/// Where the root file system of a container comes from.
package enum RootFilesystem: Sendable, Hashable, Codable {
  /// `image:`, a reference into the image store.
  case image(String)
  /// `rootfs: DIR`, absolute.
  case directory(String)
  /// `rootfs: TAR`, absolute.
  case archive(String)
  /// `rootfs: host`: an overlay over the machine's own root.
  case host

  /// The reference of an image; nil for other roots.
  package var imageName: String? {
    switch self {
    case .image(let reference): reference
    case .directory, .archive, .host: nil
    }
  }
}

/// `platform`: `os/architecture[/variant]`, in Go's words.
package struct ImagePlatform: Sendable, Hashable, Codable {
  package var architecture: String
  package var variant: String?

  package init(architecture: String, variant: String? = nil) {
    self.architecture = architecture
    self.variant = variant
  }
}

package struct EnvironmentVariable: Sendable, Hashable, Codable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// Something mounted into a container (`volumes` and `tmpfs`), in the order of the file.
package struct Mount: Sendable, Hashable, Codable {
  package enum Source: Sendable, Hashable, Codable {
    /// An absolute path of the host. The short syntax makes a missing directory.
    case bind(path: String, createMissing: Bool)
    /// The key of a named volume of the stack.
    case volume(key: String)
    /// A volume that belongs to the container alone.
    case anonymousVolume
    case tmpfs(TmpfsOptions)
  }

  package var source: Source
  /// Absolute and clean.
  package var target: String
  package var isReadOnly = false
  /// `nocopy`: a volume that is empty stays empty.
  package var keepsEmpty: Bool?
  /// `subpath`: the part of a volume that is mounted, relative.
  package var subpath: String?
  /// `bind.propagation`; nil is private.
  package var propagation: Propagation?
  /// `bind.recursive`; nil is that what is mounted below the source is there too, and read-only when it is.
  package var below: Below?

  /// Whether mounts that are made later, here or there, are seen on the other side (mount_namespaces(7)).
  package enum Propagation: String, Sendable, Hashable, Codable { case shared, slave, `private` }

  /// What becomes of mounts below the source.
  package enum Below: String, Sendable, Hashable, Codable {
    case absent = "disabled"
    /// Writable, also when the mount itself is read-only.
    case writable
  }

  package init(_ source: Source, target: String, isReadOnly: Bool = false) {
    self.source = source
    self.target = target
    self.isReadOnly = isReadOnly
  }
}

/// What tmpfs(5) is told; nil leaves it to the kernel.
package struct TmpfsOptions: Sendable, Hashable, Codable {
  /// Bytes; nil is half of the memory.
  package var size: UInt64?
  /// Files; nil is as many as half of the memory has pages.
  package var inodes: UInt64?
  /// Permission bits; nil is 1777.
  package var mode: UInt32?
  package var uid: UInt32?
  package var gid: UInt32?
  /// `exec`, `suid`, `dev`: what is not forbidden on it.
  package var allowed: [String]?

  package init(size: UInt64? = nil, mode: UInt32? = nil, uid: UInt32? = nil, gid: UInt32? = nil) {
    self.size = size
    self.mode = mode
    self.uid = uid
    self.gid = gid
  }
}

/// `network_mode`, or the networks a service is on.
package enum NetworkMode: Sendable, Hashable, Codable {
  case none
  case host
  /// The network namespace of another service.
  case service(String)
  case networks([NetworkAttachment])
}

package struct NetworkAttachment: Sendable, Hashable, Codable {
  /// The key of a network of the stack.
  package var network: String
  package var aliases: [String] = []
  package var address: IPv4Address?
  /// `mac_address`: six octets in hexadecimal; nil is made from the address.
  package var hardwareAddress: String?
  /// `interface_name`: in the container; nil is `eth` and a number.
  package var interfaceName: String?
  /// `gw_priority`: the default route goes through the network with the highest.
  package var gatewayPriority: Int?

  package init(network: String) {
    self.network = network
  }
}

package struct ExtraHost: Sendable, Hashable, Codable {
  package var name: String
  /// An IPv4 or IPv6 address, or `host-gateway`.
  package var address: String

  package init(name: String, address: String) {
    self.name = name
    self.address = address
  }
}

/// A published port. Ranges are expanded: one value a port.
package struct PortMapping: Sendable, Hashable, Codable {
  package enum TransportProtocol: String, Sendable, Hashable, Codable { case tcp, udp }

  /// nil publishes on all addresses.
  package var hostAddress: IPv4Address?
  /// nil, or 0, lets the kernel choose.
  package var hostPort: UInt16?
  /// Not nil when any free port of `hostPort...lastHostPort` will do.
  package var lastHostPort: UInt16?
  package var containerPort: UInt16
  package var transport: TransportProtocol

  package init(
    hostAddress: IPv4Address? = nil, hostPort: UInt16? = nil, containerPort: UInt16, transport: TransportProtocol = .tcp
  ) {
    self.hostAddress = hostAddress
    self.hostPort = hostPort
    self.containerPort = containerPort
    self.transport = transport
  }
}

/// A port of a container, published or not.
package struct ExposedPort: Sendable, Hashable, Codable, Comparable {
  package var port: UInt16
  package var transport: PortMapping.TransportProtocol

  package init(port: UInt16, transport: PortMapping.TransportProtocol = .tcp) {
    self.port = port
    self.transport = transport
  }

  /// Reads `80` and `80/udp`, as images have it; nil for anything else.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let port = UInt16(parts[0]), port > 0,
      let transport = PortMapping.TransportProtocol(rawValue: parts.count > 1 ? parts[1].lowercased() : "tcp")
    else { return nil }
    self.init(port: port, transport: transport)
  }

  package static func < (left: ExposedPort, right: ExposedPort) -> Bool {
    (left.port, left.transport.rawValue) < (right.port, right.transport.rawValue)
  }
}

package struct Dependency: Sendable, Hashable, Codable {
  package enum Condition: String, Sendable, Hashable, Codable {
    case started = "service_started"
    case healthy = "service_healthy"
    case completedSuccessfully = "service_completed_successfully"
  }

  package var service: String
  package var condition: Condition
  package var isRequired: Bool
  /// Starts again when a command starts that one again.
  package var restarts: Bool

  package init(service: String, condition: Condition = .started, isRequired: Bool = true, restarts: Bool = false) {
    self.service = service
    self.condition = condition
    self.isRequired = isRequired
    self.restarts = restarts
  }
}

package enum SeccompChoice: Sendable, Hashable, Codable {
  case `default`
  case unconfined
  /// The absolute path of a profile in Docker's or OCI's JSON form.
  case profile(path: String)
}

/// `userns_mode`.
package enum UserNamespaceMode: Sendable, Hashable, Codable {
  /// What the engine decides (docs/decisions/0003).
  case `default`
  case host
  /// One of its own, if nothing that the service asks for is in the way.
  case auto
  /// One of its own, or the service does not start.
  case `private`
  /// The same, with these numbers of the machine: `base` is the container's root.
  case range(base: UInt32, count: UInt32)

  /// Reads `host`, `auto`, `private` or `UID:GID:SIZE`; nil for anything else. Users and groups have the same numbers.
  package init?(_ text: String) {
    switch text {
    case "host": self = .host
    case "auto": self = .auto
    case "private": self = .private
    default:
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count == 3, parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }),
        let base = UInt32(parts[0]), UInt32(parts[1]) == base, let count = UInt32(parts[2]),
        base > 0, count > 0, UInt32.max - base > count
      else { return nil }
      self = .range(base: base, count: count)
    }
  }

  private var text: String {
    switch self {
    case .default: "default"
    case .host: "host"
    case .auto: "auto"
    case .private: "private"
    case .range(let base, let count): "\(base):\(base):\(count)"
    }
  }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    self = UserNamespaceMode(text) ?? .default
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

package struct DeviceMapping: Sendable, Hashable, Codable {
  package var source: String
  package var target: String
  /// Some of `rwm`.
  package var permissions: String

  package init(source: String, target: String, permissions: String = "rwm") {
    self.source = source
    self.target = target
    self.permissions = permissions
  }
}

/// Limits of a container's cgroup; nil is no limit.
package struct Resources: Sendable, Hashable, Codable {
  /// Bytes.
  package var memory: UInt64?
  /// Bytes of memory and swap together; -1 is no limit.
  package var memoryAndSwap: Int64?
  /// Processors' worth of time, for example 0.5.
  package var cpus: Double?
  /// Relative weight, 2 to 262144 (cgroup v1's cpu.shares).
  package var cpuShares: UInt64?
  /// A list such as `0-2,4`.
  package var cpuset: String?
  /// -1 is no limit.
  package var pids: Int64?
  /// Bytes that are left to it when memory runs short.
  package var memoryReservation: UInt64?
  /// 0 to 100.
  package var swappiness: UInt64?
  /// nil is false.
  package var disablesOOMKill: Bool?
  /// Microseconds in each period, before `cpus`.
  package var cpuQuota: UInt64?
  /// Microseconds.
  package var cpuPeriod: UInt64?
  package var deviceRules: [DeviceRule]?
  package var blocks: BlockLimits?

  package init() {}
}

/// `ulimits` (setrlimit(2)); -1 is no limit.
package struct ResourceLimit: Sendable, Hashable, Codable {
  /// Lower case without `RLIMIT_`, for example `nofile`.
  package var name: String
  package var soft: Int64
  package var hard: Int64

  package init(name: String, soft: Int64, hard: Int64) {
    self.name = name
    self.soft = soft
    self.hard = hard
  }
}

/// `restart`.
package enum RestartPolicy: Sendable, Hashable, Codable {
  case no
  case always
  case unlessStopped
  /// nil is as often as it takes.
  case onFailure(maximum: Int?)
}
