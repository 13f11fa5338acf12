import Glibc
import LinuxCgroup
import LinuxSystem
import TestSupport
import Testing

/// Directories and plain files in the shape of cgroup file systems: what is written to them can be read back as bytes.
struct FakeHierarchy {
  let root: String

  static func with(_ body: (FakeHierarchy) throws -> Void) throws {
    try withTemporaryDirectory { try body(FakeHierarchy(root: $0)) }
  }

  func file(_ path: String, _ text: String = "") throws {
    let whole = "\(root)/\(path)"
    let slash = try #require(whole.lastIndex(of: "/"))
    try Files.makeDirectories(String(whole[..<slash]), mode: 0o755)
    try Files.write(text, to: whole, create: 0o644)
  }

  func text(_ path: String) throws -> String {
    try Files.text("\(root)/\(path)")
  }

  /// Looks at mounts as proc_pid_mountinfo(5) would tell them; `ROOT` stands for the directory.
  func detect(_ mounts: [String]) throws -> CgroupHierarchy {
    let lines = mounts.map { line in
      line.split(separator: " ").map { $0.hasPrefix("ROOT") ? "\(root)\($0.dropFirst(4))" : String($0) }
        .joined(separator: " ")
    }
    try file("mountinfo", lines.joined(separator: "\n") + "\n")
    return try CgroupHierarchy.detect(root: root, mountInfo: "\(root)/mountinfo")
  }

  static let hybridMounts = [
    "31 23 0:28 / ROOT rw,relatime - tmpfs tmpfs rw,mode=755",
    "32 31 0:29 / ROOT/cpu rw,relatime - cgroup cgroup rw,cpu",
    "34 31 0:31 / ROOT/cpuset rw,relatime shared:9 - cgroup cgroup rw,cpuset",
    "35 31 0:32 / ROOT/memory rw,relatime - cgroup cgroup rw,memory",
    "36 31 0:33 / ROOT/devices rw,relatime - cgroup cgroup rw,devices",
    "39 31 0:36 / ROOT/pids rw,relatime - cgroup cgroup rw,pids",
    "40 31 0:37 / ROOT/systemd rw,relatime - cgroup cgroup rw,name=systemd",
    "41 31 0:38 / ROOT/unified rw,relatime - cgroup2 cgroup2 rw",
  ]
}
