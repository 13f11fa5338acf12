import LinuxSystem
import SystemPackage

/// The cgroup hierarchies of the machine (cgroups(7)).
package struct CgroupHierarchies: Hashable, Sendable {
  /// The directory of each v1 controller, for example `memory: /sys/fs/cgroup/memory`. Empty with v2 alone.
  package var v1: [String: String]
  /// The v2 tree: the only one, or on a hybrid host the one beside v1; nil where there is none.
  package var v2: String?
  /// The controllers of the v2 tree that can be enabled.
  package var v2Controllers: Set<String>

  package init(v1: [String: String], v2: String?, v2Controllers: Set<String>) {
    self.v1 = v1
    self.v2 = v2
    self.v2Controllers = v2Controllers
  }

  /// The hierarchies that are mounted, from the text of /proc/self/mountinfo (proc_pid_mountinfo(5)).
  package init(mountInfo: String, controllers: (_ v2: String) -> String?) {
    var v1: [String: String] = [:]
    var v2: String?
    for line in mountInfo.split(separator: "\n") {
      let halves = line.split(separator: " ", omittingEmptySubsequences: true)
      guard let dash = halves.firstIndex(of: "-"), dash + 3 < halves.count, halves.count > 4 else { continue }
      let place = String(halves[4])
      switch halves[dash + 1] {
      case "cgroup2": if v2 == nil { v2 = place }
      case "cgroup":
        for option in halves[dash + 3].split(separator: ",") where v1[String(option)] == nil {
          v1[String(option)] = place
        }
      default: break
      }
    }
    let names = v2.flatMap(controllers) ?? ""
    self.init(v1: v1.filter { Self.known.contains($0.key) }, v2: v2, v2Controllers: Set(names.split(whereSeparator: \.isWhitespace).map(String.init)))
  }

  private static let known: Set<String> = ["cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"]

  /// The hierarchies of this machine, which do not change while a process of ours runs.
  package static func current() throws(SystemCallError) -> CgroupHierarchies {
    try machine.get()
  }

  private static let machine: Result<CgroupHierarchies, SystemCallError> = {
    do throws(SystemCallError) {
      let text = try Files.text("/proc/self/mountinfo", limit: 16 << 20)
      return .success(
        CgroupHierarchies(mountInfo: text) { tree in try? Files.text("\(tree)/cgroup.controllers") })
    } catch {
      return .failure(error)
    }
  }()

  /// Whether limits are set in the v2 tree.
  package var limitsAreV2: Bool { v1.isEmpty }
}
