import Glibc
import LinuxSystem
import SystemPackage

/// The mounts of this process's mount namespace (proc_pid_mountinfo(5)).
package enum MountTable {
  package struct Entry: Hashable, Sendable {
    package let id: Int
    package let path: String
    /// The type of the file system, for example `ext4`.
    package let type: String
  }

  package static func current() throws(SystemCallError) -> [Entry] {
    parse(try Files.text("/proc/self/mountinfo", limit: 64 << 20))
  }

  /// `36 35 98:0 / /mnt rw,noatime shared:1 - ext3 /dev/root rw`: the fields before the dash vary in number.
  package static func parse(_ text: String) -> [Entry] {
    text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count > 6, let id = Int(fields[0]), let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count
      else { return nil }
      return Entry(id: id, path: unescaped(fields[4]), type: String(fields[dash + 1]))
    }
  }

  /// Spaces and the like are written as a backslash and three octal digits.
  private static func unescaped(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      let code = String(decoding: rest.prefix(3), as: UTF8.self)
      if byte == UInt8(ascii: "\\"), rest.count >= 3, let value = UInt8(code, radix: 8) {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The mounts below `/` that hold files and can be seen, those above first: without what another mount covers, without the
  /// kernel's own file systems, and without those in memory, which hold the state of what runs on the machine.
  package static func fileSystems() throws(SystemCallError) -> [Entry] {
    var entries: [Entry] = []
    for entry in try current() where entry.path != "/" && !isOfMachine(entry) {
      if try isVisible(entry) { entries.append(entry) }
    }
    return entries.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  private static let machineTypes: Set<String> = [
    "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
    "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs",
    "sysfs", "tmpfs", "tracefs",
  ]
  private static let machineDirectories = ["/dev", "/proc", "/run", "/sys"]

  private static func isOfMachine(_ entry: Entry) -> Bool {
    // A file system in a process of some user may answer nobody else, or not at all.
    machineTypes.contains(entry.type) || entry.type.hasPrefix("fuse")
      || machineDirectories.contains { entry.path == $0 || entry.path.hasPrefix("\($0)/") }
  }

  private static func isVisible(_ entry: Entry) throws(SystemCallError) -> Bool {
    do throws(SystemCallError) {
      let place = try Files.open(entry.path, O_PATH | O_NOFOLLOW)
      let lines = try Files.text("/proc/self/fdinfo/\(place.borrowed.rawValue)").split(separator: "\n")
      return lines.contains("mnt_id:\t\(entry.id)")
    } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
      return false
    }
  }
}
