import InternetAddress
import LinuxCapabilities
import LinuxCgroup
import LinuxNetlink
import LinuxSystem

/// Everything that the engine needs to know to run one container.
///
/// A value without references to what exists: the same specification can be started again after its process ended. It is
/// kept beside the container, in the binary form of `WireCodable`, for that.
package struct ContainerSpecification: Hashable, Sendable {
  /// The container's name: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`.
  package var id: String
  /// The container's own directory on the host (absolute): holds `upper` and `work` of the overlay, and is the place where
  /// the root is mounted in the container's mount namespace.
  package var directory: String
  package var root: RootSpecification
  package var hostname: String
  /// setdomainname(2).
  package var domainName: String?
  package var process: ProcessSpecification
  package var namespaces: NamespaceSpecification
  package var interfaces: [InterfaceSpecification] = []
  package var mounts: [MountSpecification] = []
  package var isPrivileged = false
  package var capabilities = CapabilityMasks()
  package var noNewPrivileges = false
  /// The compiled seccomp filter (`CompiledFilter`); nil is unconfined.
  package var seccomp: [UInt8]?
  /// The filter asks a listener: the calls that are made are written down (`CallRecorder`).
  package var recordsCalls = false
  package var resourceLimits: [ResourceLimitSpecification] = []
  package var sysctls: [SysctlSpecification] = []
  package var devices: [DeviceSpecification] = []
  /// /proc/PID/oom_score_adj; nil leaves the inherited value.
  package var oomScoreAdjustment: Int?
  package var cgroup: CgroupSpecification
  /// What another description than the engine's own layout says; not kept with the binary form.
  package var listed: ListedContainer?

  package init(
    id: String, directory: String, root: RootSpecification, hostname: String, process: ProcessSpecification,
    namespaces: NamespaceSpecification, cgroup: CgroupSpecification
  ) {
    self.id = id
    self.directory = directory
    self.root = root
    self.hostname = hostname
    self.process = process
    self.namespaces = namespaces
    self.cgroup = cgroup
  }
}

/// The root file system: an overlay whose writable layer is the container's own.
package struct RootSpecification: Hashable, Sendable {
  /// Directories of the host, the lowest layer first. Never written to.
  package var layers: [String]
  package var isReadOnly = false
  /// The layer is the machine's own root: what is mounted below it is shown too, each file system under a writable layer.
  package var isMachine = false

  package init(layers: [String]) {
    self.layers = layers
  }
}

package struct ProcessSpecification: Hashable, Sendable {
  /// The program and its arguments; the program is looked up in the environment's PATH.
  package var arguments: [String]
  /// `NAME=value`.
  package var environment: [String]
  /// Absolute; made when it does not exist.
  package var workingDirectory: String
  /// `user[:group]`, names of the container's files or numbers; empty is root.
  package var user: String
  /// Further groups, names of the container's files or numbers.
  package var groups: [String] = []
  package var hasTerminal: Bool
  /// PID 1 is a small init of the engine, and the program its child.
  package var usesInit: Bool
  /// Its standard input is a pipe that its keeper holds open, instead of nothing.
  package var keepsInput = false

  package init(
    arguments: [String], environment: [String] = [], workingDirectory: String = "/", user: String = "",
    hasTerminal: Bool = false, usesInit: Bool = false
  ) {
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.user = user
    self.hasTerminal = hasTerminal
    self.usesInit = usesInit
  }
}

extension ProcessSpecification {
  /// The same with another command, beside the first process of a container: neither an init nor its terminal is for it.
  package func executing(_ command: [String]) -> ProcessSpecification {
    var process = self
    process.arguments = command
    process.usesInit = false
    process.hasTerminal = false
    return process
  }
}

package struct NamespaceSpecification: Hashable, Sendable {
  package enum Source: Hashable, Sendable {
    /// A new one.
    case own
    case host
    /// That of a running process.
    case of(ProcessIdentity)
  }

  /// A new one has the interfaces of the specification.
  package var network: Source
  /// pid_namespaces(7).
  package var processes = Source.own
  /// ipc_namespaces(7), and with it the memory that processes share below /dev/shm.
  package var communication = Source.own
  /// Stays in the host's UTS namespace: the specification's host name is not set.
  package var sharesHostname = false
  /// Stays in the host's cgroup namespace.
  package var sharesCgroups = false
  /// Container ids 0 to `count - 1` are host ids from `base` on; nil leaves the container in the host's user namespace.
  package var users: UserMapping?

  package init(network: Source, users: UserMapping? = nil) {
    self.network = network
    self.users = users
  }
}

package struct UserMapping: Hashable, Sendable {
  package var base: UInt32
  package var count: UInt32

  package init(base: UInt32, count: UInt32) {
    self.base = base
    self.count = count
  }

  /// Whether a user or group of the host has a number in the container.
  package func contains(_ id: UInt32) -> Bool { id >= base && id - base < count }

  /// The container's number of a user or group of the host, as getuid(2) gives it there: what has none is nobody.
  package func inside(_ id: UInt32) -> UInt32 { contains(id) ? id - base : Self.nobody }

  /// /proc/sys/kernel/overflowuid, where nobody has changed it.
  private static let nobody: UInt32 = 65534
}

/// Numbers of a user and a group.
package struct FileOwner: Hashable, Sendable {
  package var uid: UInt32
  package var gid: UInt32

  package init(uid: UInt32, gid: UInt32) {
    self.uid = uid
    self.gid = gid
  }
}

/// A veth pair: one end on a bridge of the host, the other in the container (veth(4)).
package struct InterfaceSpecification: Hashable, Sendable {
  /// In the container, for example `eth0`.
  package var name: String
  package var hostName: String
  /// The bridge that the host end is a port of.
  package var bridge: String
  /// The group of the host end, for deleting many links at once.
  package var group: UInt32
  package var address: IPv4Address
  /// nil is made from the address.
  package var hardwareAddress: MACAddress?
  package var prefixLength: Int
  /// The default route goes here; nil for none.
  package var gateway: IPv4Address?
  package var mtu: Int?
  /// The bridge may send frames back to where they came from: a container that reaches itself by a published port.
  package var isHairpin: Bool

  package init(
    name: String, hostName: String, bridge: String, group: UInt32, address: IPv4Address,
    prefixLength: Int, gateway: IPv4Address?, mtu: Int?, isHairpin: Bool = false
  ) {
    self.name = name
    self.hostName = hostName
    self.bridge = bridge
    self.group = group
    self.address = address
    self.prefixLength = prefixLength
    self.gateway = gateway
    self.mtu = mtu
    self.isHairpin = isHairpin
  }
}

package struct MountSpecification: Hashable, Sendable {
  package enum Source: Hashable, Sendable {
    /// A file or directory of the host, with the mounts below it.
    case bind(String)
    /// A directory of the host that takes over the content of the image's directory as long as it is empty.
    case volume(String)
    /// A part of a directory of the host whose links are the container's: none of them is followed.
    case part(of: String, path: String)
    /// A file with this content that is the engine's (/etc/hosts and the like): a link of the image in its place is replaced.
    case ownFile(content: String)
    /// A file in memory with this content and access that only the container has: a secret, or its settings.
    case grantedFile(content: [UInt8], access: FileAccess)
    /// Options of tmpfs(5) as `key=value`.
    case tmpfs(options: [String])

    /// Whether it is there without the container.
    var isOfMachine: Bool {
      switch self {
      case .bind, .volume, .part: true
      case .ownFile, .grantedFile, .tmpfs: false
      }
    }
  }

  /// Owner and permission bits as the container sees them.
  package struct FileAccess: Hashable, Sendable {
    package var uid: UInt32
    package var gid: UInt32
    package var mode: UInt32

    package init(uid: UInt32 = 0, gid: UInt32 = 0, mode: UInt32 = 0o444) {
      self.uid = uid
      self.gid = gid
      self.mode = mode
    }
  }

  /// mount_namespaces(7).
  package enum Propagation: UInt8, Hashable, Sendable { case `private`, slave, shared }

  /// What becomes of mounts below the source.
  package enum Below: UInt8, Hashable, Sendable {
    /// They are there, with the attributes of the mount.
    case same
    /// They are there, writable.
    case writable
    case absent
  }

  package var source: Source
  /// Absolute, below the container's root.
  package var target: String
  package var isReadOnly: Bool
  /// Of a bind mount: what the container's user writes belongs to this user of the machine.
  package var caller: FileOwner?
  /// Whether there is no mount without that.
  package var needsCaller = false
  package var propagation = Propagation.private
  package var below = Below.same

  package init(_ source: Source, target: String, isReadOnly: Bool = false) {
    self.source = source
    self.target = target
    self.isReadOnly = isReadOnly
  }
}

/// The five capability sets as bit masks (capabilities(7)).
package struct CapabilityMasks: Hashable, Sendable {
  package var bounding: UInt64 = 0
  package var effective: UInt64 = 0
  package var permitted: UInt64 = 0
  package var inheritable: UInt64 = 0
  package var ambient: UInt64 = 0

  package init() {}

  /// Bounding, effective and permitted are `set`, as a privileged process has them.
  init(all set: CapabilitySet) {
    (bounding, effective, permitted) = (set.rawValue, set.rawValue, set.rawValue)
  }
}

/// A limit of setrlimit(2).
package struct ResourceLimitSpecification: Hashable, Sendable {
  /// RLIMIT_*.
  package var resource: Int32
  /// `UInt64.max` is no limit.
  package var soft: UInt64
  package var hard: UInt64

  package init(resource: Int32, soft: UInt64, hard: UInt64) {
    self.resource = resource
    self.soft = soft
    self.hard = hard
  }
}

package struct DeviceSpecification: Hashable, Sendable {
  /// A device node of the host.
  package var source: String
  /// Its path in the container.
  package var target: String
  /// Some of `rwm`.
  package var access: String

  package init(source: String, target: String, access: String) {
    self.source = source
    self.target = target
    self.access = access
  }
}

/// A limit of a block device, by the path of its node on the machine.
package struct BlockDeviceSpecification: Hashable, Sendable {
  package var path: String
  package var kind: BlockDeviceLimit.Kind
  package var value: UInt64

  package init(path: String, kind: BlockDeviceLimit.Kind, value: UInt64) {
    self.path = path
    self.kind = kind
    self.value = value
  }
}

/// Where the container's cgroup is and what it limits; nil is no limit.
package struct CgroupSpecification: Hashable, Sendable {
  /// Below the root of each hierarchy, for example `["stack", "shop", "shop-web-1"]`.
  package var path: [String]
  package var limits = CgroupLimits()
  /// Device nodes that may be used beside those that the container has.
  package var deviceRules: [DeviceRules.Rule] = []
  /// What the container may use of block devices, which are looked up when the cgroup is made.
  package var blockDevices: [BlockDeviceSpecification] = []

  package init(path: [String]) {
    self.path = path
  }
}
