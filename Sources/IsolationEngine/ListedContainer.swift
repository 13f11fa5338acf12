import CLinuxShim
import LinuxCgroup
import LinuxMounts
import LinuxSystem

/// What somebody else decides about a container, in the kernel's terms: the opposite of the engine's own layout.
///
/// The engine's own containers have its usual file systems, namespaces and defaults. One that is described by a list, as an
/// OCI configuration is, has what is listed and nothing else. It is not part of the binary form of a specification: whoever
/// makes the list keeps the document that it came from.
package struct ListedContainer: Hashable, Sendable {
  package var root: ListedRoot
  package var namespaces = ListedNamespaces()
  package var process = ListedProcess()
  package var resources = CgroupResources()
  /// A directory of the host that is there as long as the container, for files that it shows.
  package var scratch = "/run"
  /// Interfaces of the host that become the container's.
  package var networkDevices: [NetworkDevice] = []
  /// The filter asks a listener about some calls.
  package var asksListener = false

  package init(root: ListedRoot) {
    self.root = root
  }
}

/// An interface of the host that is moved into a container.
package struct NetworkDevice: Hashable, Sendable {
  package var hostName: String
  /// The name in the container; with `%d` the kernel chooses a number.
  package var name: String

  package init(hostName: String, name: String) {
    self.hostName = hostName
    self.name = name
  }
}

/// The root file system: a directory of the host, and what is mounted below it, in order.
package struct ListedRoot: Hashable, Sendable {
  package var directory: String
  /// What the root's own mount is at the end.
  package var propagation: MountPropagation?
  /// What the namespace's mounts are before the root is put together.
  package var namespacePropagation: MountPropagation = .private
  package var mounts: [ListedMount] = []
  package var devices: [DeviceNode] = []
  package var maskedPaths: [String] = []
  package var readOnlyPaths: [String] = []

  package init(directory: String) {
    self.directory = directory
  }
}

package struct ListedMount: Hashable, Sendable {
  package enum Source: Hashable, Sendable {
    /// A file or directory of the host.
    case bind(String, isRecursive: Bool)
    /// A new file system. An option without a value is a flag.
    case fileSystem(type: String, source: String, options: [Option])
    /// The container's cgroups, as both versions show them.
    case cgroup
  }

  package struct Option: Hashable, Sendable {
    package var key: String
    package var value: String

    package init(_ key: String, _ value: String) {
      self.key = key
      self.value = value
    }
  }

  package struct Change: Hashable, Sendable {
    package var added: MountAttributes = []
    package var cleared: MountAttributes = []

    package init() {}

    var isEmpty: Bool { added.isEmpty && cleared.isEmpty }
  }

  package var source: Source
  package var target: String
  package var attributes = Change()
  /// For this mount and all below it.
  package var recursiveAttributes = Change()
  package var propagation: MountPropagation?
  package var recursivePropagation: MountPropagation?
  package var owners: OwnerMapping?
  /// A new tmpfs starts with what the directory that it covers holds.
  package var copiesUp = false
  package var followsSourceLink = true

  package init(_ source: Source, target: String) {
    self.source = source
    self.target = target
  }
}

/// An idmapped mount (mount_setattr(2) MOUNT_ATTR_IDMAP).
package struct OwnerMapping: Hashable, Sendable {
  /// Empty is the container's own mapping.
  package var uids: [IDRange]
  package var gids: [IDRange]
  package var isRecursive: Bool

  package init(uids: [IDRange], gids: [IDRange], isRecursive: Bool) {
    self.uids = uids
    self.gids = gids
    self.isRecursive = isRecursive
  }
}

/// A line of uid_map or gid_map (user_namespaces(7)).
package struct IDRange: Hashable, Sendable {
  package var inside: UInt32
  package var outside: UInt32
  package var count: UInt32

  package init(inside: UInt32, outside: UInt32, count: UInt32) {
    self.inside = inside
    self.outside = outside
    self.count = count
  }
}

/// A device node, or a FIFO, to be made (mknod(2)).
package struct DeviceNode: Hashable, Sendable {
  package enum Kind: Hashable, Sendable { case character, block, fifo }

  package var path: String
  package var kind: Kind
  package var major: UInt32
  package var minor: UInt32
  package var mode: UInt32
  package var uid: UInt32
  package var gid: UInt32

  package init(
    _ path: String, _ kind: Kind, _ major: UInt32, _ minor: UInt32, mode: UInt32 = 0o666, uid: UInt32 = 0,
    gid: UInt32 = 0
  ) {
    self.path = path
    self.kind = kind
    self.major = major
    self.minor = minor
    self.mode = mode
    self.uid = uid
    self.gid = gid
  }
}

/// Which namespaces a container is in.
package struct ListedNamespaces: Hashable, Sendable {
  package enum Origin: Hashable, Sendable {
    /// The caller's.
    case inherited
    case own
    /// That of a file such as /proc/PID/ns/net.
    case at(String)
  }

  package var mount = Origin.inherited
  package var pid = Origin.inherited
  package var uts = Origin.inherited
  package var ipc = Origin.inherited
  package var network = Origin.inherited
  package var cgroup = Origin.inherited
  package var user = Origin.inherited
  package var time = Origin.inherited
  package var uids: [IDRange] = []
  package var gids: [IDRange] = []
  /// Lines of /proc/PID/timens_offsets (time_namespaces(7)).
  package var timeOffsets: [String] = []

  package init() {}

  /// All but the user namespace, with their CLONE_* flags.
  var flagged: [(origin: Origin, flag: CInt, name: String)] {
    [
      (mount, CLONE_NEWNS, "mnt"), (pid, CLONE_NEWPID, "pid"), (uts, CLONE_NEWUTS, "uts"), (ipc, CLONE_NEWIPC, "ipc"),
      (network, CLONE_NEWNET, "net"), (cgroup, CLONE_NEWCGROUP, "cgroup"), (time, CLONE_NEWTIME, "time"),
    ]
  }
}

/// Who the process is and how it is run, in numbers.
package struct ListedProcess: Hashable, Sendable {
  package var uid: UInt32 = 0
  package var gid: UInt32 = 0
  package var groups: [UInt32] = []
  /// The groups stay those of the caller.
  package var keepsGroups = false
  package var umask: UInt32?
  package var scheduler: Scheduler?
  package var ioPriority: IOPriority?
  /// personality(2).
  package var personality: UInt?
  package var appArmorProfile: String?
  package var selinuxLabel: String?
  package var terminalSize: TerminalSize?
  package var memoryPolicy: MemoryPolicy?
  /// Only for a process that is executed in a running container.
  package var processors = ProcessorChoice()

  package init() {}

  /// Which processors a process may run on (sched_setaffinity(2)): a bit for each, the first in the lowest bit of the first
  /// byte; nil are all of its cgroup.
  package struct ProcessorChoice: Hashable, Sendable {
    /// Before it is in the container's cgroup.
    package var initial: [UInt8]?
    package var final: [UInt8]?

    package init() {}

    /// As many as the kernel can be built for.
    static let all = [UInt8](repeating: 0xff, count: 1024)

    static func apply(_ mask: [UInt8]) throws(SystemCallError) {
      try checked("sched_setaffinity", unsafe stk_set_affinity(mask, mask.count))
    }
  }

  /// set_mempolicy(2).
  package struct MemoryPolicy: Hashable, Sendable {
    /// MPOL_*, with the flags.
    package var mode: Int32
    package var nodes: [UInt]

    package init(mode: Int32, nodes: [UInt]) {
      self.mode = mode
      self.nodes = nodes
    }
  }

  /// sched_setattr(2).
  package struct Scheduler: Hashable, Sendable {
    package var policy: UInt32
    package var flags: UInt64 = 0
    package var nice: Int32 = 0
    package var priority: UInt32 = 0
    package var runtime: UInt64 = 0
    package var deadline: UInt64 = 0
    package var period: UInt64 = 0

    package init(policy: UInt32) {
      self.policy = policy
    }
  }

  /// ioprio_set(2).
  package struct IOPriority: Hashable, Sendable {
    package var kind: Int32
    package var level: Int32

    package init(kind: Int32, level: Int32) {
      self.kind = kind
      self.level = level
    }
  }

  package struct TerminalSize: Hashable, Sendable {
    package var rows: UInt16
    package var columns: UInt16

    package init(rows: UInt16, columns: UInt16) {
      self.rows = rows
      self.columns = columns
    }
  }
}
