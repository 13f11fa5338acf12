import Glibc
import LinuxSystem
import SystemPackage

/// The files through which a process enters a cgroup, opened beforehand.
///
/// Whoever opens them needs the right to write to them, whoever writes does not (the kernel checks the credentials of the
/// opening): so a parent opens them, and its child, already without privileges or in a user namespace, enters.
package struct CgroupEntrance {
  private let files: [SharedDescriptor]

  fileprivate init(_ files: [SharedDescriptor]) {
    self.files = files
  }

  /// Moves the calling thread, the only one of its process, into the group, and closes the files: it can be done once. Must
  /// come before the process makes a cgroup namespace: the group a process is in at that moment is the namespace's root.
  ///
  /// Writing 0 from inside moves the caller alone and without waiting for anything; a pid written to cgroup.procs from
  /// outside waits for a grace period of the kernel, 0.8 ms.
  package func enter() throws(CgroupError) {
    try systemCalls { () throws(SystemCallError) in
      for file in files {
        try Files.writeAll(file.borrowed, CollectionOfOne(UInt8(ascii: "0")), object: "cgroup")
        // A container may wait for its start from here on: it is to hold nothing of the host's.
        file.close()
      }
    }
  }
}

extension Cgroup {
  /// A descriptor of the group in the unified hierarchy for clone3(2) with CLONE_INTO_CGROUP; nil when there is none.
  package func openForClone() throws(CgroupError) -> SharedDescriptor? {
    guard let directory = unifiedDirectory else { return nil }
    return try systemCalls { () throws(SystemCallError) in
      SharedDescriptor(try Files.open(directory, O_RDONLY | O_DIRECTORY))
    }
  }

  /// Opens the way into the group.
  /// - Parameter unified: whether also into the unified hierarchy's part, where CLONE_INTO_CGROUP may have led already.
  /// - Parameter controllers: only the parts in hierarchies of version 1 that have one of these; empty is all.
  package func openEntrance(
    unified: Bool, only controllers: [CgroupController] = []
  ) throws(CgroupError) -> CgroupEntrance {
    var files: [SharedDescriptor] = []
    let wanted = controllers.compactMap { hierarchy.legacy[$0] }
    for mount in hierarchy.mountPoints + hierarchy.others where unified || mount != hierarchy.unified {
      if !controllers.isEmpty && !wanted.contains(mount) { continue }
      let file = "\(mount)/\(path)/\(mount == hierarchy.unified ? "cgroup.procs" : "tasks")"
      do throws(SystemCallError) {
        files.append(SharedDescriptor(try Files.open(file, O_WRONLY)))
      } catch {
        // A hierarchy in which the group needs no directory.
        guard error.errno == .noSuchFileOrDirectory && mount != hierarchy.unified else { throw .system(error) }
      }
    }
    return CgroupEntrance(files)
  }

  /// Moves another process into the group, in every hierarchy.
  package func attach(_ pid: pid_t) throws(CgroupError) {
    try systemCalls { () throws(SystemCallError) in
      for directory in directories where Files.exists(directory) {
        try Files.write("\(pid)", to: "\(directory)/cgroup.procs")
      }
    }
  }

  /// The pids of all processes in the group and in groups below it. Empty when the group does not exist.
  package func processes() throws(CgroupError) -> [pid_t] {
    try systemCalls { () throws(SystemCallError) in try Self.processes(below: listing) }
  }

  /// Whether there is a process in the group or below it. False when the group does not exist.
  package func isPopulated() throws(CgroupError) -> Bool {
    guard let directory = unifiedDirectory else { return try !processes().isEmpty }
    do throws(SystemCallError) {
      return try Self.events("\(directory)/cgroup.events").contains("populated 1")
    } catch {
      if error.isOfGoneGroup { return false }
      throw .system(error)
    }
  }

  /// Waits until there is no process in the group or below it.
  /// - Returns: false when there still was one after `milliseconds`.
  package func waitUntilEmpty(milliseconds: Int) throws(CgroupError) -> Bool {
    try wait(milliseconds: milliseconds, for: "populated 0") { () throws(CgroupError) in try !isPopulated() }
  }

  /// Waits until cgroup.events of the unified hierarchy has `line`; where there is none, until `isTrue`, with more and more
  /// time between the looks. A group that is gone is success.
  func wait(
    milliseconds: Int, for line: Substring, orUntil isTrue: () throws(CgroupError) -> Bool
  ) throws(CgroupError) -> Bool {
    let deadline = KernelClock.monotonic + UInt64(max(0, milliseconds)) * 1_000_000
    var pause: UInt64 = 500_000
    do throws(SystemCallError) {
      if let directory = unifiedDirectory {
        let file = try Files.open("\(directory)/cgroup.events")
        while true {
          lseek(file.borrowed.rawValue, 0, SEEK_SET)
          let text = String(decoding: try Files.readAll(file.borrowed, object: directory), as: UTF8.self)
          if text.split(separator: "\n").contains(line) { return true }
          let now = KernelClock.monotonic
          if now >= deadline { return false }
          // The kernel tells of a change as an exceptional condition, until the file is read again.
          var poll = pollfd(fd: file.borrowed.rawValue, events: Int16(POLLPRI), revents: 0)
          unsafe Glibc.poll(&poll, 1, CInt(clamping: (deadline - now + 999_999) / 1_000_000))
        }
      }
    } catch {
      if error.isOfGoneGroup { return true }
      throw .system(error)
    }
    while try !isTrue() {
      let now = KernelClock.monotonic
      if now >= deadline { return false }
      usleep(UInt32(clamping: min(pause, deadline - now) / 1000 + 1))
      pause = min(pause * 2, 10_000_000)
    }
    return true
  }

  /// Moves every process of the group into `directory`, a part of it that was made later.
  func gather(into directory: String) throws(CgroupError) {
    try systemCalls { () throws(SystemCallError) in
      // A process may fork between the list and the move; its child is in the next list. Bounded: a fork bomb is not followed
      // for ever.
      for _ in 0..<100 {
        let inside = Set(try Self.processes(below: directory))
        let missing = try Self.processes(below: listing).filter { !inside.contains($0) }
        if missing.isEmpty { return }
        for pid in missing {
          do throws(SystemCallError) {
            try Files.write("\(pid)", to: "\(directory)/cgroup.procs")
          } catch  where error.errno == .noSuchProcess {}
        }
      }
    }
  }

  /// The directory whose members are the group's: all hierarchies that it is in have the same.
  var listing: String {
    unifiedDirectory ?? directory(of: .pids) ?? directory(of: .memory) ?? directories.first ?? path
  }

  /// The names of the groups right below a directory.
  static func childGroups(of directory: String) throws(SystemCallError) -> [String] {
    try Files.names(in: directory).filter { name in
      guard let status = try? Files.status("\(directory)/\(name)") else { return false }
      return status.st_mode & S_IFMT == S_IFDIR
    }
  }

  private static func processes(below directory: String) throws(SystemCallError) -> [pid_t] {
    do throws(SystemCallError) {
      var pids = try Files.text("\(directory)/cgroup.procs", limit: 64 << 20).split(separator: "\n")
        .compactMap { pid_t($0) }
      for child in try childGroups(of: directory) { pids += try processes(below: "\(directory)/\(child)") }
      return pids
    } catch {
      if error.isOfGoneGroup { return [] }
      throw error
    }
  }

  private static func events(_ path: String) throws(SystemCallError) -> [Substring] {
    try Files.text(path).split(separator: "\n")
  }
}

extension SystemCallError {
  /// The group was removed: before its file was opened, or while it was open.
  var isOfGoneGroup: Bool { errno == .noSuchFileOrDirectory || errno == Errno(rawValue: ENODEV) }
}
