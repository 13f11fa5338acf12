import LinuxSystem
import SystemPackage

/// What a group uses and has used; nil is what the machine does not count.
package struct CgroupStatistics: Hashable, Sendable {
  /// Bytes, page cache included.
  package var memory: UInt64?
  /// The most that `memory` ever was (kernel 5.19 and later in version 2).
  package var memoryPeak: UInt64?
  /// Bytes that it may use; nil is as much as there is.
  package var memoryLimit: UInt64?
  /// Nanoseconds of processor time.
  package var cpuTime: UInt64?
  /// Processes and threads.
  package var pids: UInt64?
  /// How many processes the kernel killed because the group was out of memory.
  package var oomKills: UInt64?
}

extension Cgroup {
  /// Reads the group's counters. A group that does not exist has none.
  package func statistics() throws(CgroupError) -> CgroupStatistics {
    var statistics = CgroupStatistics()
    switch hierarchy.location(of: .memory) {
    case .unified:
      statistics.memory = try counter(.memory, "memory.current")
      statistics.memoryPeak = try counter(.memory, "memory.peak")
      statistics.memoryLimit = try counter(.memory, "memory.max")
    case .legacy:
      statistics.memory = try counter(.memory, "memory.usage_in_bytes")
      statistics.memoryPeak = try counter(.memory, "memory.max_usage_in_bytes")
      statistics.memoryLimit = try counter(.memory, "memory.limit_in_bytes")
    case .absent: break
    }
    statistics.oomKills = try oomKills()
    statistics.pids = try counter(.pids, "pids.current")
    if let directory = unifiedDirectory {
      statistics.cpuTime = try read("\(directory)/cpu.stat").flatMap { Self.value("usage_usec", in: $0) }
        .map { $0 &* 1000 }
    } else {
      statistics.cpuTime = try counter(.cpuacct, "cpuacct.usage")
    }
    return statistics
  }

  /// How many processes the kernel killed because the group was out of memory; nil when that is not counted here.
  package func oomKills() throws(CgroupError) -> UInt64? {
    guard let directory = directory(of: .memory) else { return nil }
    let file =
      switch hierarchy.location(of: .memory) {
      case .unified: "memory.events"
      case .legacy, .absent: "memory.oom_control"
      }
    return try read("\(directory)/\(file)").flatMap { Self.value("oom_kill", in: $0) }
  }

  private func counter(_ controller: CgroupController, _ file: String) throws(CgroupError) -> UInt64? {
    guard let directory = directory(of: controller) else { return nil }
    return try read("\(directory)/\(file)").flatMap { UInt64($0.split(separator: "\n").first ?? "") }
  }

  private func read(_ file: String) throws(CgroupError) -> String? {
    do throws(SystemCallError) {
      return try Files.text(file)
    } catch {
      if error.isOfGoneGroup { return nil }
      throw .system(error)
    }
  }

  /// The number after `key` in a file of lines `key number`.
  private static func value(_ key: Substring, in text: String) -> UInt64? {
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: " ")
      if parts.count == 2 && parts[0] == key { return UInt64(parts[1]) }
    }
    return nil
  }
}
