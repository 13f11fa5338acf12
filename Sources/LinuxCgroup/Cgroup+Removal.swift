import Glibc
import LinuxSystem
import SystemPackage

extension Cgroup {
  /// Removes the group and all groups below it, in every hierarchy. What is absent is success.
  ///
  /// Processes are not killed: `kill()` does that. The kernel lets go of a group some time after its last process has died,
  /// so that a busy directory is tried again for up to `milliseconds`.
  /// - Throws: `busy` when processes remain. Everything else that could be removed has been.
  package func remove(milliseconds: Int = 1000) throws(CgroupError) {
    let deadline = KernelClock.monotonic + UInt64(max(0, milliseconds)) * 1_000_000
    var first: CgroupError?
    for directory in directories {
      do throws(CgroupError) {
        try Self.removeTree(directory, until: deadline)
      } catch {
        first = first ?? error
      }
    }
    if let first { throw first }
  }

  /// Removes the cgroups of a project's containers and its own, and the directory of all projects if that was the last one.
  package static func removeAll(
    of project: String, on hierarchy: CgroupHierarchy, milliseconds: Int = 1000
  ) throws(CgroupError) {
    if hierarchy.isOfSystemd {
      // The scope goes with the last process in it, which may be the caller.
      for container in try hierarchy.containers(of: project) {
        try Cgroup(hierarchy, project: project, container: container).remove(milliseconds: milliseconds)
      }
      return
    }
    let group = try Cgroup(hierarchy, project: project)
    try group.remove(milliseconds: milliseconds)
    try group.removeEmptyParents()
  }

  /// Removes the groups that hold this one, the innermost first, in every hierarchy, as far as nothing else is in them. For
  /// groups that were made for such as this one alone: who makes one in them at the same time makes them again.
  package func removeEmptyParents() throws(CgroupError) {
    for mount in hierarchy.mountPoints + hierarchy.others {
      for parent in parents.reversed() {
        do throws(SystemCallError) {
          try Files.removeDirectory("\(mount)/\(parent)")
        } catch {
          guard error.errno == .resourceBusy || error.errno == .directoryNotEmpty else { throw .system(error) }
          break
        }
      }
    }
  }

  private static func removeTree(_ directory: String, until deadline: UInt64) throws(CgroupError) {
    var pause: UInt64 = 250_000
    while true {
      do throws(SystemCallError) {
        return try Files.removeDirectory(directory)
      } catch {
        guard error.errno == .resourceBusy || error.errno == .directoryNotEmpty else { throw .system(error) }
      }
      for child in try children(of: directory) { try removeTree("\(directory)/\(child)", until: deadline) }
      do throws(SystemCallError) {
        return try Files.removeDirectory(directory)
      } catch {
        guard error.errno == .resourceBusy || error.errno == .directoryNotEmpty else { throw .system(error) }
      }
      let now = KernelClock.monotonic
      if now >= deadline { throw .busy(directory: directory) }
      usleep(UInt32(clamping: min(pause, deadline - now) / 1000 + 1))
      pause = min(pause * 2, 20_000_000)
    }
  }

  private static func children(of directory: String) throws(CgroupError) -> [String] {
    do throws(SystemCallError) {
      return try childGroups(of: directory)
    } catch {
      if error.isOfGoneGroup { return [] }
      throw .system(error)
    }
  }
}
