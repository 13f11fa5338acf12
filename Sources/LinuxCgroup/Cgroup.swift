import Glibc
import LinuxSystem
import SystemPackage

/// One cgroup of ours: the same path in every hierarchy that is needed.
///
/// Only paths below `stack` are ever made, changed or removed. Needs root, or a delegated tree.
package struct Cgroup: Sendable {
  package let hierarchies: CgroupHierarchies
  /// Below the root of each hierarchy, `stack` first.
  package let path: [String]

  /// - Returns: nil when a part of the path is no plain name, or the first is not `stack`.
  package init?(_ path: [String], in hierarchies: CgroupHierarchies) {
    guard path.first == "stack", path.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.contains("/") }) else {
      return nil
    }
    self.hierarchies = hierarchies
    self.path = path
  }

  /// The controllers of v1 in which every container is: what the limits and the statistics need. The other ones are joined
  /// only when they are asked for, since each costs a tenth of a millisecond.
  private static let alwaysJoined = ["memory", "cpu", "pids"]

  private func v1Controllers(for limits: CgroupLimits, devices: [DeviceRule]?) -> [String] {
    var wanted = Self.alwaysJoined
    if limits.cpuset != nil { wanted.append("cpuset") }
    if devices != nil { wanted.append("devices") }
    // Without a v2 tree the freezer is what holds processes still while they are killed.
    if hierarchies.v2 == nil { wanted.append("freezer") }
    return wanted.filter { hierarchies.v1[$0] != nil }
  }

  private var relative: String { path.joined(separator: "/") }

  private func directory(_ controller: String) -> String? {
    hierarchies.v1[controller].map { "\($0)/\(relative)" }
  }

  private var v2Directory: String? { hierarchies.v2.map { "\($0)/\(relative)" } }

  /// All directories that the cgroup has or could have, without repetition: hierarchies may be mounted together.
  private var allDirectories: [String] {
    var places = Set(hierarchies.v1.values)
    if let v2 = hierarchies.v2 { places.insert(v2) }
    return places.sorted().map { "\($0)/\(relative)" }
  }

  // MARK: Making

  /// Makes the cgroup and sets its limits.
  ///
  /// - Parameter devices: the devices that may be used; nil leaves all to the file permissions.
  /// - Throws: an error that names the file; a limit whose controller the machine lacks is `ENOTSUP`.
  package func create(_ limits: CgroupLimits, devices: [DeviceRule]?) throws(SystemCallError) {
    if hierarchies.limitsAreV2 {
      try createV2(limits)
    } else {
      try createV1(limits, devices: devices)
    }
  }

  private func createV1(_ limits: CgroupLimits, devices: [DeviceRule]?) throws(SystemCallError) {
    var made: Set<String> = []
    for controller in v1Controllers(for: limits, devices: devices) {
      guard let directory = directory(controller), made.insert(directory).inserted else { continue }
      try Files.makeDirectories(directory, mode: 0o755)
      if controller == "cpuset", let root = hierarchies.v1["cpuset"] { try inheritCpuset(root: root) }
    }
    if let v2Directory { try Files.makeDirectories(v2Directory, mode: 0o755) }
    for setting in limits.v1Settings { try apply(setting, in: directory(setting.controller)) }
    if let devices, let directory = directory("devices") {
      try Files.write("a", to: "\(directory)/devices.deny")
      for rule in devices { try Files.write(rule.v1Line, to: "\(directory)/devices.allow") }
    }
  }

  /// A cpuset of v1 is born empty, and nothing can run in it before it has processors and memory nodes.
  private func inheritCpuset(root: String) throws(SystemCallError) {
    var parent = root
    for part in path {
      let child = "\(parent)/\(part)"
      for file in ["cpuset.cpus", "cpuset.mems"] {
        let value = try Files.text("\(child)/\(file)")
        if value.allSatisfy(\.isWhitespace) { try Files.write(try Files.text("\(parent)/\(file)"), to: "\(child)/\(file)") }
      }
      parent = child
    }
  }

  private func createV2(_ limits: CgroupLimits) throws(SystemCallError) {
    guard let tree = hierarchies.v2 else {
      throw SystemCallError("mkdir", on: "cgroup (no hierarchy is mounted)", .notSupported)
    }
    let wanted = ["cpu", "cpuset", "memory", "pids"].filter(hierarchies.v2Controllers.contains)
    let enabling = wanted.map { "+\($0)" }.joined(separator: " ")
    var parent = tree
    for part in path {
      // A child has the files of a controller only if its parent hands it down.
      if !enabling.isEmpty { try Files.write(enabling, to: "\(parent)/cgroup.subtree_control") }
      parent += "/\(part)"
      try Files.makeDirectory(parent, mode: 0o755)
    }
    for setting in limits.v2Settings { try apply(setting, in: parent) }
  }

  private func apply(_ setting: CgroupLimits.Setting, in directory: String?) throws(SystemCallError) {
    guard let directory else {
      throw SystemCallError("set", on: "\(setting.file): the \(setting.controller) controller is missing", .notSupported)
    }
    do throws(SystemCallError) {
      try Files.write(setting.value, to: "\(directory)/\(setting.file)")
    } catch {
      // Swap accounting may be off, and an old kernel may not kill groups: the limit of the memory holds all the same.
      let isOptional = ["memory.memsw.limit_in_bytes", "memory.swap.max", "memory.oom.group"].contains(setting.file)
      if isOptional && error.errno == .noSuchFileOrDirectory { return }
      throw error
    }
  }

  // MARK: Joining

  /// Moves the calling process, which must have one thread, into the cgroup of every v1 hierarchy. In that of v2 it is born
  /// (`openForClone`): moving there would wait for all processors.
  package func joinSelf() throws(SystemCallError) {
    for (controller, root) in hierarchies.v1 {
      // Not every hierarchy was joined at creation: what is not there is not joined.
      let file = "\(root)/\(relative)/tasks"
      do throws(SystemCallError) {
        // `tasks` moves one thread without waiting for all processors, unlike `cgroup.procs`.
        try Files.write("0", to: file)
      } catch where error.errno == .noSuchFileOrDirectory && controller != "memory" {
        continue
      }
    }
  }

  /// The directory for CLONE_INTO_CGROUP (clone3(2)): on a machine with v2 the child is born in the cgroup.
  package func openForClone() throws(SystemCallError) -> SharedDescriptor? {
    guard let v2Directory else { return nil }
    return SharedDescriptor(try Files.open(v2Directory, O_RDONLY | O_DIRECTORY))
  }

  // MARK: Processes

  /// The processes in the cgroup and in those below it.
  package func processes() throws(SystemCallError) -> [pid_t] {
    var pids: Set<pid_t> = []
    for directory in allDirectories { try collect(directory, into: &pids) }
    return pids.sorted()
  }

  private func collect(_ directory: String, into pids: inout Set<pid_t>) throws(SystemCallError) {
    guard let bytes = try Files.readIfPresent("\(directory)/cgroup.procs") else { return }
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      if let pid = pid_t(String(decoding: line, as: UTF8.self)) { pids.insert(pid) }
    }
    for child in try children(of: directory) { try collect(child, into: &pids) }
  }

  private func children(of directory: String) throws(SystemCallError) -> [String] {
    try Files.namesIfPresent(in: directory).map { "\(directory)/\($0)" }.filter { path in
      (try? Files.status(path)).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    }
  }

  /// Kills every process in the cgroup and below, also those that are being forked meanwhile.
  package func kill() throws(SystemCallError) {
    if let v2Directory, Files.exists("\(v2Directory)/cgroup.kill") {
      try Files.write("1", to: "\(v2Directory)/cgroup.kill")
      if hierarchies.v1.isEmpty { return }
    }
    // A frozen task of v1 does not die before it is thawed.
    if let freezer = directory("freezer"), Files.exists("\(freezer)/freezer.state") {
      try Files.write("THAWED", to: "\(freezer)/freezer.state")
    }
    // Each round may miss what was forked during it; a fork bomb loses against a limit of pids, so rounds are bounded.
    for _ in 0..<100 {
      let pids = try processes()
      if pids.isEmpty { return }
      for pid in pids { _ = Glibc.kill(pid, SIGKILL) }
      usleep(1000)
    }
  }

  // MARK: Statistics

  /// How many processes the kernel killed because of the memory limit; 0 when nothing tells.
  package func outOfMemoryKills() -> Int {
    let path = hierarchies.limitsAreV2 ? v2Directory.map { "\($0)/memory.events" } : directory("memory").map { "\($0)/memory.oom_control" }
    // Best effort: the cgroup may be gone.
    guard let path, let text = try? Files.text(path) else { return 0 }
    let line = text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
    return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
  }

  // MARK: Removing

  /// Removes the cgroup and all below it. Absent is success.
  ///
  /// - Throws: `EBUSY` when processes are left in it after two seconds.
  package func remove() throws(SystemCallError) {
    for directory in allDirectories { try remove(directory) }
  }

  private func remove(_ directory: String) throws(SystemCallError) {
    do throws(SystemCallError) {
      return try Files.removeDirectory(directory)
    } catch where error.errno == .resourceBusy {}
    for child in try children(of: directory) { try remove(child) }
    // The last process may be on its way out: a cgroup is busy until the kernel has done with it.
    for attempt in 0..<400 {
      do throws(SystemCallError) {
        return try Files.removeDirectory(directory)
      } catch {
        if error.errno != .resourceBusy || attempt == 399 { throw error }
      }
      usleep(attempt < 100 ? 200 : 6000)
    }
  }
}
