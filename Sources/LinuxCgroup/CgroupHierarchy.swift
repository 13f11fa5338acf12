import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// The controllers that are used here (cgroups(7)).
package enum CgroupController: String, CaseIterable, Hashable, Sendable {
  case memory
  case pids
  case cpu
  case cpuacct
  case cpuset
  case devices
  case freezer
  case blkio
  case io
  case hugetlb
  case rdma
  case netCls = "net_cls"
  case netPrio = "net_prio"
}

/// The cgroup file systems of the machine, and which controller is in which of them.
///
/// The kernel lets each controller be in one place: in a hierarchy of version 1, alone or with others, or in the unified
/// hierarchy of version 2. Machines with version 2 only, with version 1 only, and with both (version 1 for the limits, an
/// almost empty unified tree beside it) are three cases of that one rule.
package struct CgroupHierarchy: Hashable, Sendable {
  /// Where the hierarchies of version 1 are mounted. Controllers mounted together have the same directory.
  package let legacy: [CgroupController: String]
  /// Where the unified hierarchy is mounted.
  ///
  /// Even without any controller it gives what version 1 never had: cgroup.kill, a freezer that does not keep SIGKILL out,
  /// cgroup.events, processor time, and clone3(2) straight into a group.
  package let unified: String?
  /// What the unified hierarchy can give to groups at its root (cgroup.controllers).
  package let unifiedControllers: Set<CgroupController>

  /// Whether the unified hierarchy is systemd's to divide: a stack's group then is a scope that it was asked for, and nothing
  /// above that is touched ("Control Group APIs and Delegation" of its documentation). With version 1, systemd and
  /// others have always shared what is mounted.
  package let isOfSystemd: Bool
  /// Where further hierarchies of version 1 are mounted: those that have a name alone, and those whose controllers are not
  /// used here. Only groups whose place somebody else chose are also there, as with other runtimes.
  package let others: [String]

  package init(
    legacy: [CgroupController: String], unified: String?, unifiedControllers: Set<CgroupController>,
    isOfSystemd: Bool = false, others: [String] = []
  ) {
    self.legacy = legacy
    self.unified = unified
    self.unifiedControllers = unifiedControllers
    self.isOfSystemd = isOfSystemd
    self.others = others
  }

  /// Looks at what is mounted.
  ///
  /// Groups are made below the mount points. That is right on a host, and also in a container, where the mount point, or the
  /// root of the cgroup namespace, is the group that the container may use.
  /// - Parameters:
  ///   - root: only file systems mounted here or below count.
  ///   - mountInfo: proc_pid_mountinfo(5).
  ///   - systemd: what is there where systemd is the machine's first process (sd_booted(3)), and listens to root.
  package static func detect(
    root: String = "/sys/fs/cgroup", mountInfo: String = "/proc/self/mountinfo",
    systemd: [String] = ["/run/systemd/system", "/run/systemd/private"]
  ) throws(CgroupError) -> CgroupHierarchy {
    // Most machines have version 2 alone, which shows at once; and every start of a container asks. A root that cannot be
    // opened holds no file system either: that is said below.
    if let directory = try? Files.open(root, O_PATH | O_DIRECTORY),
      stk_fstatfs_type(directory.borrowed.rawValue) == cgroup2Magic
    {
      return CgroupHierarchy(
        legacy: [:], unified: root, unifiedControllers: try controllers(of: root),
        isOfSystemd: systemd.allSatisfy { Files.exists($0) })
    }
    let mounts = try systemCalls { () throws(SystemCallError) in try Files.readAll(mountInfo, limit: 16 << 20) }
    var legacy: [CgroupController: String] = [:]
    var unified: String?
    var others: [String] = []
    // A machine with many containers has thousands of mounts: only lines that can be about cgroups are made into text.
    for bytes in mounts.split(separator: UInt8(ascii: "\n")) where bytes.contains(Array("cgroup".utf8)) {
      let line = Substring(String(decoding: bytes, as: UTF8.self))
      guard let mount = CgroupMount(line), mount.point == root || mount.point.hasPrefix("\(root)/") else { continue }
      switch mount.kind {
      case .unified:
        unified = unified ?? mount.point
      case .legacy([]):
        others.append(mount.point)
      case .legacy(let controllers):
        for controller in controllers where legacy[controller] == nil { legacy[controller] = mount.point }
      }
    }
    guard unified != nil || !legacy.isEmpty else { throw .notMounted(root: root) }
    var available: Set<CgroupController> = []
    if let unified { available = try controllers(of: unified) }
    return CgroupHierarchy(legacy: legacy, unified: unified, unifiedControllers: available, others: others)
  }

  /// CGROUP2_SUPER_MAGIC (statfs(2)).
  private static let cgroup2Magic = 0x6367_7270

  private static func controllers(of unified: String) throws(CgroupError) -> Set<CgroupController> {
    let names = try systemCalls { () throws(SystemCallError) in try Files.text("\(unified)/cgroup.controllers") }
    return Set(controllerList(names))
  }

  /// What `detect()` finds on this machine; looked at once, since it does not change while a process of ours runs.
  package static func current() throws(CgroupError) -> CgroupHierarchy {
    try machine.get()
  }

  private static let machine = Result { () throws(CgroupError) in try detect() }

  /// Whether a controller is in version 2, in version 1, or not to be had.
  package enum Location: Hashable, Sendable {
    case unified(String)
    case legacy(String)
    case absent
  }

  package func location(of controller: CgroupController) -> Location {
    if let unified, unifiedControllers.contains(controller) { return .unified(unified) }
    if let directory = legacy[controller] { return .legacy(directory) }
    return .absent
  }

  /// Every mount point, each once, the unified one first.
  package var mountPoints: [String] {
    let others = Set(legacy.values).subtracting([unified].compactMap { $0 })
    return [unified].compactMap { $0 } + others.sorted()
  }

  /// The projects that have a cgroup.
  package func projects() -> [String] {
    children(of: Cgroup.top(on: self)).compactMap { Cgroup.project(ofGroup: $0, on: self) }
  }

  /// The containers of `project` that have a cgroup.
  package func containers(of project: String) throws(CgroupError) -> [String] {
    children(of: try Cgroup(self, project: project).path).filter { $0 != Cgroup.inner }
  }

  private func children(of path: String) -> [String] {
    // A hierarchy in which the directory is absent, or went just now, has no children there.
    let names = mountPoints.flatMap { (try? Cgroup.childGroups(of: "\($0)/\(path)")) ?? [] }
    return Set(names.map(CgroupName.name(ofDirectory:))).sorted()
  }

  /// The controllers named in a file such as cgroup.controllers; others are left out.
  static func controllerList(_ text: String) -> [CgroupController] {
    text.split(whereSeparator: \.isWhitespace).compactMap { CgroupController(rawValue: String($0)) }
  }
}

/// A line of proc_pid_mountinfo(5) about a cgroup file system.
private struct CgroupMount {
  enum Kind {
    case unified
    case legacy([CgroupController])
  }

  let point: String
  let kind: Kind

  /// nil when the line is about anything else.
  init?(_ line: Substring) {
    let fields = line.split(separator: " ")
    // Between the sixth field and the dash is any number of optional fields.
    guard fields.count > 6, let dash = fields.dropFirst(6).firstIndex(of: "-"), fields.count > dash + 3 else {
      return nil
    }
    point = Self.unescaped(fields[4])
    switch fields[dash + 1] {
    case "cgroup2": kind = .unified
    case "cgroup":
      kind = .legacy(fields[dash + 3].split(separator: ",").compactMap { CgroupController(rawValue: String($0)) })
    default: return nil
    }
  }

  /// Space, tab, newline and backslash are written as a backslash and three octal digits.
  private static func unescaped(_ text: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "\\"), let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension ArraySlice<UInt8> {
  /// Whether `pattern`, which is not empty, is in the bytes.
  fileprivate func contains(_ pattern: [UInt8]) -> Bool {
    var start = startIndex
    while endIndex - start >= pattern.count, let next = self[start...].firstIndex(of: pattern[0]) {
      if self[next...].starts(with: pattern) { return true }
      start = next + 1
    }
    return false
  }
}
