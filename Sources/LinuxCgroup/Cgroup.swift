import Glibc
import LinuxSystem
import SystemPackage

/// The cgroup of a container, `stack/<project>/<container>`, or of a whole project, `stack/<project>`. Where systemd keeps the
/// hierarchy, `system.slice/stack-<project>.scope` is the project's.
///
/// One group may be several directories: one in the unified hierarchy, and one in each hierarchy of version 1 whose controller
/// is used. The value is a name: making it touches nothing. Nothing outside of `stack/` is ever written, with one exception
/// that version 2 requires: controllers are enabled for the groups below the root.
package struct Cgroup: Hashable, Sendable {
  /// The directory, in each hierarchy, that holds all that is ours; with systemd it holds others' groups too.
  static func top(on hierarchy: CgroupHierarchy) -> String { hierarchy.isOfSystemd ? slice : "stack" }

  /// Where systemd has the scopes of the machine.
  package static let slice = "system.slice"
  private static let (scopePrefix, scopeSuffix) = ("stack-", ".scope")
  /// The group for the engine's own processes in a scope: one with groups below it may have no processes itself. No
  /// container has such a name.
  package static let inner = ".engine"

  /// What systemd calls the scope of a project.
  package static func scope(of project: String) -> String { scopePrefix + project + scopeSuffix }

  /// The project whose group has this name in `top`.
  static func project(ofGroup name: String, on hierarchy: CgroupHierarchy) -> String? {
    guard hierarchy.isOfSystemd else { return name }
    guard name.hasPrefix(scopePrefix), name.hasSuffix(scopeSuffix) else { return nil }
    return String(name.dropFirst(scopePrefix.count).dropLast(scopeSuffix.count))
  }

  package let hierarchy: CgroupHierarchy
  /// Relative to each mount point.
  package let path: String
  /// The directories that hold this one and are ours, outermost first.
  let parents: [String]
  /// Whether it is a scope of systemd or in one: such a group is not made here, and nothing is enabled above it.
  let isInScope: Bool

  /// The group of a container.
  package init(
    _ hierarchy: CgroupHierarchy, project: String, container: String
  ) throws(CgroupError) {
    let project = try Cgroup(hierarchy, project: project)
    self.hierarchy = hierarchy
    path = "\(project.path)/\(try CgroupName.directory(for: container))"
    isInScope = project.isInScope
    parents = project.parents + [project.path]
  }

  /// The group of a project: what is done to it is done to all of its containers.
  package init(_ hierarchy: CgroupHierarchy, project: String) throws(CgroupError) {
    self.hierarchy = hierarchy
    let name = try CgroupName.directory(for: project)
    path = "\(Self.top(on: hierarchy))/\(hierarchy.isOfSystemd ? Self.scope(of: name) : name)"
    parents = hierarchy.isOfSystemd ? [] : [Self.top(on: hierarchy)]
    isInScope = hierarchy.isOfSystemd
  }

  /// A group at a path that somebody else chose, as OCI runtimes are told: one directory below another.
  package init(_ hierarchy: CgroupHierarchy, components: [String]) throws(CgroupError) {
    let isPlain = components.allSatisfy { name in
      !name.isEmpty && name != "." && name != ".." && name.utf8.count <= CgroupName.limit
        && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "/") }
    }
    guard isPlain, !components.isEmpty else { throw .invalidName(components.joined(separator: "/")) }
    self.hierarchy = hierarchy
    path = components.joined(separator: "/")
    parents = components.indices.dropFirst().map { components[..<$0].joined(separator: "/") }
    isInScope = false
  }

  /// The directory in the unified hierarchy, if there is one.
  package var unifiedDirectory: String? { hierarchy.unified.map { "\($0)/\(path)" } }

  /// The directory with the files of `controller`; nil when the machine does not have the controller.
  package func directory(of controller: CgroupController) -> String? {
    switch hierarchy.location(of: controller) {
    case .unified(let mount), .legacy(let mount): "\(mount)/\(path)"
    case .absent: nil
    }
  }

  /// Every directory that the group may have, whether it exists or not, the unified one first.
  var directories: [String] { (hierarchy.mountPoints + hierarchy.others).map { "\($0)/\(path)" } }

  /// Makes the group and sets its limits. A group that exists is updated.
  ///
  /// Needs root. On failure some directories may exist: `remove()` takes them back.
  /// - Parameter devices: what device nodes may be used; nil makes no rule, and everything may.
  /// - Returns: limits that the machine cannot hold.
  package func create(
    _ limits: CgroupLimits = CgroupLimits(), devices: DeviceRules? = nil
  ) throws(CgroupError) -> [UnappliedLimit] {
    let settings = try CgroupSettings(limits, on: hierarchy)
    let controllers = controllers(limits, devices)
    for mount in mountPoints(for: controllers) { try makeDirectory(in: mount, controllers) }
    var unapplied = settings.unapplied
    unapplied += try apply(settings.writes, controllers)
    if let devices, try !apply(devices) {
      unapplied.append(UnappliedLimit(limit: .devices, reason: .noController(.devices)))
    }
    return unapplied
  }

  /// Changes the limits of a group that exists, with the processes in it.
  /// - Returns: limits that the machine cannot hold.
  package func update(_ limits: CgroupLimits) throws(CgroupError) -> [UnappliedLimit] {
    let settings = try CgroupSettings(limits, on: hierarchy)
    if limits.cpuset != nil, case .legacy(let mount) = hierarchy.location(of: .cpuset),
      !Files.exists("\(mount)/\(path)")
    {
      try makeDirectory(in: mount, [.cpuset])
      // The processors must be set before a process may enter.
      let unapplied = try apply(settings.writes, [.cpuset])
      try gather(into: "\(mount)/\(path)")
      return settings.unapplied + unapplied
    }
    return settings.unapplied + (try apply(settings.writes, controllers(limits, nil)))
  }

  /// The controllers that the group needs. Each one of version 1 costs a directory, about 0.1 ms to make and as much to
  /// remove, for each container.
  private func controllers(_ limits: CgroupLimits, _ devices: DeviceRules?) -> Set<CgroupController> {
    // memory: a limit set later counts only what was charged here from the start, and only the group's own counter tells an
    // OOM kill from any other SIGKILL.
    // pids: its list of processes is what is killed and waited for where there is no unified hierarchy.
    // cpu: containers compete as groups, not each with the sum of its threads.
    var wanted: Set<CgroupController> = [.memory, .pids, .cpu]
    // cpuset: a process may not enter a group of version 1 whose processors are not set, so it is left out until asked for.
    if limits.cpuset != nil { wanted.insert(.cpuset) }
    if limits.blockWeight != nil || !limits.blockDevices.isEmpty { wanted.formUnion([.blkio, .io]) }
    // devices: without rules everything is allowed, which is what the parent says already.
    if devices != nil { wanted.insert(.devices) }
    // cpuacct: only where nothing else counts a group's processor time; the unified hierarchy always does (cpu.stat).
    if hierarchy.unified == nil { wanted.insert(.cpuacct) }
    // freezer: never here. `freeze()` makes it when it is needed.
    return wanted
  }

  /// Where directories are needed: the unified hierarchy always, others for their controllers.
  private func mountPoints(for controllers: Set<CgroupController>) -> [String] {
    let mounts = controllers.compactMap { controller -> String? in
      if case .legacy(let mount) = hierarchy.location(of: controller) { mount } else { nil }
    }
    return [hierarchy.unified].compactMap { $0 } + Set(mounts).sorted()
  }

  func makeDirectory(in mount: String, _ controllers: Set<CgroupController>) throws(CgroupError) {
    // Another stack's clean-up may remove `stack/`, and a `down` of this one `stack/<project>`, while they are empty: then
    // the next round makes them again.
    for round in 1... {
      do throws(SystemCallError) {
        try Files.makeDirectory("\(mount)/\(path)", mode: 0o755)
        break
      } catch {
        guard error.errno == .noSuchFileOrDirectory, round < 10, !isInScope else { throw .system(error) }
      }
      for parent in parents {
        do throws(SystemCallError) {
          try Files.makeDirectory("\(mount)/\(parent)", mode: 0o755)
        } catch {
          guard error.errno == .noSuchFileOrDirectory else { throw .system(error) }
        }
      }
      if mount == hierarchy.unified { try enable(controllers) }
    }
    if mount == hierarchy.unified && isInScope { try enable(controllers) }
    if mount == hierarchy.unified && controllers.contains(.cpuset) { try enable([.cpuset]) }
    if mount == hierarchy.legacy[.cpuset] { try inheritProcessors(in: mount) }
  }

  /// Enables the controllers of version 2 for this group: in the root and in each of the group's parents
  /// (cgroup.subtree_control).
  ///
  /// The kernel shows a controller there before its files are in the groups below, while somebody else is enabling it. To
  /// write it once more changes nothing, and waits until they are.
  /// - Parameter again: also writes those that are enabled.
  private func enable(_ controllers: Set<CgroupController>, again: Bool = false) throws(CgroupError) {
    guard let unified = hierarchy.unified else { return }
    let wanted = controllers.intersection(hierarchy.unifiedControllers)
    guard !wanted.isEmpty else { return }
    for directory in (isInScope ? [] : [unified]) + parents.map({ "\(unified)/\($0)" }) {
      let file = "\(directory)/cgroup.subtree_control"
      var missing: [CgroupController] = []
      do throws(SystemCallError) {
        let enabled = again ? [] : CgroupHierarchy.controllerList(try Files.text(file))
        missing = wanted.subtracting(enabled).sorted { $0.rawValue < $1.rawValue }
        if missing.isEmpty { continue }
        try Files.write(missing.map { "+\($0.rawValue)" }.joined(separator: " "), to: file)
      } catch {
        if error.errno == .resourceBusy { throw .processesInParent(directory: directory, controllers: missing) }
        // The directory went away under us: see makeDirectory(in:).
        if !error.isOfGoneGroup { throw .system(error) }
      }
    }
  }

  /// Gives the group and its parents the processors and memory nodes of the level above where they have none yet: a new group
  /// of version 1 has none, and may not have what the one above does not have.
  private func inheritProcessors(in mount: String) throws(CgroupError) {
    try systemCalls { () throws(SystemCallError) in
      for file in ["cpuset.cpus", "cpuset.mems"] {
        var inherited = try Files.text("\(mount)/\(file)")
        for level in parents + [path] {
          let own = try Files.text("\(mount)/\(level)/\(file)")
          if own.allSatisfy(\.isWhitespace) {
            try Files.write(inherited, to: "\(mount)/\(level)/\(file)")
          } else {
            inherited = own
          }
        }
      }
    }
  }

  private func apply(
    _ writes: [CgroupWrite], _ controllers: Set<CgroupController>
  ) throws(CgroupError) -> [UnappliedLimit] {
    var unapplied: [UnappliedLimit] = []
    try awaitFiles(writes.map { ($0.controller, $0.file) }, of: controllers)
    for write in writes {
      guard let directory = directory(of: write.controller) else { continue }
      do throws(SystemCallError) {
        try set(write, in: directory, among: writes)
      } catch {
        // A device whose scheduler knows no weights refuses them.
        guard write.isOptional, error.errno == .noSuchFileOrDirectory || error.errno == .notSupported else {
          throw .system(error)
        }
        if write.isAsked {
          unapplied.append(
            UnappliedLimit(limit: write.limit, reason: write.limit == .swap ? .noSwapAccounting : .notInKernel))
        }
      }
    }
    return unapplied
  }

  /// Sees to it that files of version 2 are there. They are not while another container of the same parents makes these, or
  /// after a command was killed that had made them.
  func awaitFiles(
    _ files: [(CgroupController, String)], of controllers: Set<CgroupController>
  ) throws(CgroupError) {
    let isMissing = files.contains { controller, file in
      guard case .unified(let mount) = hierarchy.location(of: controller) else { return false }
      return !Files.exists("\(mount)/\(path)/\(file)")
    }
    if isMissing { try enable(controllers, again: true) }
  }

  private func set(_ write: CgroupWrite, in directory: String, among writes: [CgroupWrite]) throws(SystemCallError) {
    do throws(SystemCallError) {
      try Files.write(write.value, to: "\(directory)/\(write.file)")
    } catch {
      if error.errno == .noSuchFileOrDirectory, let other = write.otherFile {
        return try Files.write(write.value, to: "\(directory)/\(other)")
      }
      guard error.errno == .invalidArgument, write.file == "memory.limit_in_bytes" else { throw error }
      // Version 1 keeps memory below memory and swap at every moment: when both are raised, the sum goes first.
      guard let sum = writes.first(where: { $0.file == "memory.memsw.limit_in_bytes" }) else { throw error }
      try Files.write(sum.value, to: "\(directory)/\(sum.file)")
      try Files.write(write.value, to: "\(directory)/\(write.file)")
    }
  }

  /// - Returns: false when the machine has no means to hold device rules.
  private func apply(_ devices: DeviceRules) throws(CgroupError) -> Bool {
    switch hierarchy.location(of: .devices) {
    case .legacy(let mount):
      try systemCalls { () throws(SystemCallError) in
        for write in devices.legacyWrites { try Files.write(write.value, to: "\(mount)/\(path)/\(write.file)") }
      }
      return true
    case .unified, .absent:
      // Version 2 has no such controller: a program attached to the group decides.
      guard let directory = unifiedDirectory else { return false }
      try systemCalls { () throws(SystemCallError) in try DeviceProgram(devices).attach(to: directory) }
      return true
    }
  }
}
