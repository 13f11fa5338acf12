/// Names of projects and containers as names of directories in a cgroup file system.
enum CgroupName {
  /// NAME_MAX, less the mark.
  static let limit = 254

  /// Files that the kernel puts into every directory, without a dot in their name.
  private static let kernelFiles: Set<String> = ["tasks", "notify_on_release", "release_agent"]
  /// What the names of all its other files begin with, up to the dot.
  private static let kernelPrefixes: Set<String> = [
    "cgroup", "memory", "pids", "cpu", "cpuacct", "cpuset", "devices", "freezer", "blkio", "io", "hugetlb", "misc",
    "rdma", "irq", "net_cls", "net_prio", "perf_event", "dmem",
  ]

  /// The directory for `name`: the name itself, or with `_` before it when a file of the kernel has, or may get, that name.
  /// No valid name begins with `_`, so that two names never share a directory.
  static func directory(for name: String) throws(CgroupError) -> String {
    guard isValid(name) else { throw .invalidName(name) }
    let prefix = name.split(separator: ".", maxSplits: 1).first.map(String.init) ?? name
    let isTaken = kernelFiles.contains(name) || (prefix != name && kernelPrefixes.contains(prefix))
    return isTaken ? "_\(name)" : name
  }

  /// The name whose directory this is.
  static func name(ofDirectory directory: String) -> String {
    directory.hasPrefix("_") ? String(directory.dropFirst()) : directory
  }

  private static func isValid(_ name: String) -> Bool {
    func isAlphanumeric(_ byte: UInt8) -> Bool {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: false
      }
    }
    guard let first = name.utf8.first, isAlphanumeric(first), name.utf8.count <= limit else { return false }
    return name.utf8.allSatisfy {
      isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == 0x2d
    }
  }
}
