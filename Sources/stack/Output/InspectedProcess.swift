import JSONDocument
import LinuxCapabilities
import LinuxCgroup
import LinuxSystem
import StackEngine
import StackStore

/// A container's first process, and what its cgroup uses, as the kernel has them at this moment.
struct InspectedProcess {
  private let status: ContainerStatus

  init(_ status: ContainerStatus) {
    self.status = status
  }

  /// null when it does not run.
  var json: JSON {
    guard case .running(let run, _) = status.state, (try? run.process.isAlive) == true else { return .null }
    let pid = run.process.pid
    // Best effort, here and below: it may end while it is looked at.
    let fields = Self.fields((try? Files.text("/proc/\(pid)/status")) ?? "")
    func capabilities(_ key: String) -> JSON {
      let mask = fields[key].flatMap { UInt64($0, radix: 16) }
      return mask.map { .strings(CapabilitySet(rawValue: $0).members) } ?? .null
    }
    return .members([
      ("Namespaces", .members(Self.namespaces(of: pid))),
      (
        "Capabilities",
        .members([
          ("Effective", capabilities("CapEff")), ("Bounding", capabilities("CapBnd")),
          ("Permitted", capabilities("CapPrm")), ("Inheritable", capabilities("CapInh")),
          ("Ambient", capabilities("CapAmb")),
        ])
      ),
      ("NoNewPrivileges", .bool(fields["NoNewPrivs"] == "1")),
      ("SeccompMode", .string(fields["Seccomp"].map(Self.mode) ?? "")),
      ("SeccompFilters", fields["Seccomp_filters"].flatMap { Int64($0) }.map { .integer($0) } ?? .null),
      ("Groups", .string(fields["Groups"] ?? "")), ("Usage", usage),
    ])
  }

  private static func mode(_ number: String) -> String {
    switch number {
    case "0": "disabled"
    case "1": "strict"
    default: "filter"
    }
  }

  private static func fields(_ text: String) -> [String: String] {
    var fields: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      fields[String(parts[0])] = parts[1].split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }
    return fields
  }

  /// Each with its number, and whether it is the machine's own.
  private static func namespaces(of pid: Int32) -> [(String, JSON)] {
    ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"].compactMap { name in
      guard let own = try? Files.readLink("/proc/\(pid)/ns/\(name)") else { return nil }
      let isHosts = own == (try? Files.readLink("/proc/self/ns/\(name)"))
      return (name, .members([("Inode", .string(own)), ("Host", .bool(isHosts))]))
    }
  }

  private var usage: JSON {
    guard let project = status.record?.project, let hierarchy = try? CgroupHierarchy.current(),
      let cgroup = try? Cgroup(hierarchy, project: project, container: status.directory.name),
      let statistics = try? cgroup.statistics()
    else { return .null }
    func number(_ value: UInt64?) -> JSON { value.map { .integer(Int64(clamping: $0)) } ?? .null }
    return .members([
      ("Memory", number(statistics.memory)), ("MemoryPeak", number(statistics.memoryPeak)),
      ("CpuTime", number(statistics.cpuTime)), ("Pids", number(statistics.pids)),
      ("OomKills", number(statistics.oomKills)),
    ])
  }
}
