import Glibc
import LinuxSystem
import SystemPackage

extension Cgroup {
  /// Sends SIGKILL to every process in the group and below it, also to those being forked. Does not wait: see
  /// `waitUntilEmpty(milliseconds:)`. A group that does not exist is success.
  package func kill() throws(CgroupError) {
    // A process that version 1 froze does not even die before it is thawed.
    try thawLegacy()
    if let directory = unifiedDirectory {
      do throws(SystemCallError) {
        return try Files.write("1", to: "\(directory)/cgroup.kill")
      } catch {
        if error.errno != .noSuchFileOrDirectory {
          if error.isOfGoneGroup { return }
          throw .system(error)
        }
        // Either the group is gone, or the kernel is older than 5.14.
        if !Files.exists(directory) { return }
      }
    }
    try killEach()
  }

  /// Kills what is in the cgroups of a project's containers, and where the project has no other processes in its own.
  package static func killAll(of project: String, on hierarchy: CgroupHierarchy) throws(CgroupError) {
    guard hierarchy.isOfSystemd else { return try Cgroup(hierarchy, project: project).kill() }
    for container in try hierarchy.containers(of: project) {
      try Cgroup(hierarchy, project: project, container: container).kill()
    }
  }

  /// Kills by pid, until two looks in a row see nobody who was not killed yet.
  private func killEach() throws(CgroupError) {
    var killed: Set<ProcessIdentity> = []
    // Bounded: a group that forks faster than this has the pids limit to stop it, and the caller sees that it is not empty.
    for _ in 0..<1000 {
      let identities = try members().filter { !killed.contains($0) }
      if identities.isEmpty { return }
      // The pid may have become another's since the list was read: only who is in the list now is killed.
      // Not all at once: a group may have more members than this process may have descriptors.
      for start in stride(from: 0, to: identities.count, by: 64) {
        try kill(identities[start..<min(start + 64, identities.count)], &killed)
      }
    }
  }

  private func kill(
    _ identities: ArraySlice<ProcessIdentity>, _ killed: inout Set<ProcessIdentity>
  ) throws(CgroupError) {
    var handles: [(ProcessIdentity, ProcessHandle?)] = []
    for identity in identities {
      handles.append((identity, try systemCalls { () throws(SystemCallError) in try identity.open() }))
    }
    let still = Set(try processes())
    for (identity, handle) in handles where still.contains(identity.pid) {
      try systemCalls { () throws(SystemCallError) in try handle?.signal(SIGKILL) }
      killed.insert(identity)
    }
  }

  /// The processes of the group, without those that end while it is read.
  private func members() throws(CgroupError) -> [ProcessIdentity] {
    var found: [ProcessIdentity] = []
    for pid in try processes() {
      do throws(SystemCallError) {
        found.append(try ProcessIdentity(of: pid))
      } catch {
        guard error.errno == .noSuchProcess || error.errno == .noSuchFileOrDirectory else { throw .system(error) }
      }
    }
    return found
  }

  /// Stops every process of the group and waits until all have stopped.
  /// - Returns: false when that took longer than `milliseconds`; they go on stopping.
  package func freeze(milliseconds: Int = 2000) throws(CgroupError) -> Bool {
    if let directory = unifiedDirectory {
      try systemCalls { () throws(SystemCallError) in try Files.write("1", to: "\(directory)/cgroup.freeze") }
      return try wait(milliseconds: milliseconds, for: "frozen 1") { true }
    }
    guard let directory = directory(of: .freezer) else {
      throw .system(SystemCallError("freeze", on: path, .notSupported))
    }
    try systemCalls { () throws(SystemCallError) in try Files.makeDirectories(directory, mode: 0o755) }
    try gather(into: directory)
    let file = "\(directory)/freezer.state"
    try systemCalls { () throws(SystemCallError) in try Files.write("FROZEN", to: file) }
    return try wait(milliseconds: milliseconds, for: "") { () throws(CgroupError) in
      try systemCalls { () throws(SystemCallError) in try Files.text(file) } == "FROZEN\n"
    }
  }

  /// Whether the group was told to stop. False when it does not exist.
  package var isFrozen: Bool {
    get throws(CgroupError) {
      guard let directory = unifiedDirectory else { return try isFrozenByVersion1 }
      return try systemCalls { () throws(SystemCallError) in
        try Files.readIfPresent("\(directory)/cgroup.freeze").map { $0.first == UInt8(ascii: "1") } ?? false
      }
    }
  }

  /// The same of the freezer of version 1, which a machine may have beside the unified hierarchy.
  var isFrozenByVersion1: Bool {
    get throws(CgroupError) {
      guard case .legacy(let mount) = hierarchy.location(of: .freezer) else { return false }
      return try systemCalls { () throws(SystemCallError) in
        try Files.readIfPresent("\(mount)/\(path)/freezer.state").map { !$0.starts(with: "THAWED".utf8) } ?? false
      }
    }
  }

  /// Lets the processes of a frozen group go on. A group that is not frozen, or does not exist, is success.
  package func thaw() throws(CgroupError) {
    if let directory = unifiedDirectory {
      do throws(SystemCallError) {
        try Files.write("0", to: "\(directory)/cgroup.freeze")
      } catch {
        if !error.isOfGoneGroup { throw .system(error) }
      }
    }
    try thawLegacy()
  }

  /// Takes a member back into the group that was put into another one, and lets it go on if it was frozen there: a process
  /// takes the state of the group that it comes into.
  package func takeBack(_ pid: pid_t) throws(CgroupError) {
    try systemCalls { () throws(SystemCallError) in
      if case .legacy(let mount) = hierarchy.location(of: .freezer) {
        try Files.makeDirectories("\(mount)/\(path)", mode: 0o755)
      }
    }
    try thaw()
    try attach(pid)
  }

  private func thawLegacy() throws(CgroupError) {
    guard case .legacy(let mount) = hierarchy.location(of: .freezer) else { return }
    do throws(SystemCallError) {
      try Files.write("THAWED", to: "\(mount)/\(path)/freezer.state")
    } catch {
      if !error.isOfGoneGroup { throw .system(error) }
    }
  }
}
