import ArgumentParser
import IsolationEngine
import JSONDocument
import LinuxCapabilities
import LinuxCgroup
import LinuxSystem
import StackEngine
import StackLogs
import StackStore

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "Print all that is known of the containers of a stack, as JSON.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "Only these services.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let networks = try project.paths.project(name).readNetworks()
      let containers = try project.engine.containers(of: name, services: services)
      let values = try containers.compactMap { try json(of: $0, networks: networks) }
      project.terminal.write(JSON.array(values).text(indent: true) + "\n")
    }
  }

  private func json(of status: ContainerStatus, networks: [NetworkRecord]) throws -> JSON? {
    guard let summary = ContainerSummary(status) else { return nil }
    let specification = try status.directory.specification()
    return .members(
      summary.members + [
        ("Configuration", .string(summary.record.configuration)), ("ImageID", .string(summary.record.imageID)),
        ("Attachments", attachments(summary.record, networks)), ("Process", process(specification, status)),
        ("LastCheck", lastCheck(of: status)),
        ("Root", root(specification, status)), ("Mounts", mounts(specification)),
        ("Security", security(specification, summary.record)), ("Resources", resources(specification)),
        ("Now", InspectedProcess(status).json), ("LogDirectory", .string(status.directory.logs)),
      ])
  }

  private func attachments(_ record: ContainerRecord, _ networks: [NetworkRecord]) -> JSON {
    .array(
      record.attachments.map { attachment in
        let network = networks.first { $0.key == attachment.network }
        return .members([
          ("Network", .string(network?.name ?? attachment.network)), ("Address", .string("\(attachment.address)")),
          ("Subnet", .optional(network.map { "\($0.subnet)" })),
          ("Gateway", .optional(network.map { "\($0.gateway)" })),
          ("Bridge", .optional(network?.bridge)),
        ])
      })
  }

  private func process(_ specification: ContainerSpecification, _ status: ContainerStatus) -> JSON {
    let process = specification.process
    let (pid, startedAt): (JSON, JSON) =
      switch status.state {
      case .running(let run, _): (.integer(Int64(run.process.pid)), .string(LogTime.text(run.startedAt)))
      case .exited(let run, _): (.null, .string(LogTime.text(run.startedAt)))
      case .created, .starting: (.null, .null)
      }
    return .members([
      ("Pid", pid), ("ShimPid", status.state.shim.map { .integer(Int64($0.pid)) } ?? .null), ("StartedAt", startedAt),
      ("Arguments", .strings(process.arguments)), ("Environment", .strings(process.environment)),
      ("WorkingDirectory", .string(process.workingDirectory)), ("User", .string(process.user)),
      ("Hostname", .string(specification.hostname)), ("Terminal", .bool(process.hasTerminal)),
      ("Init", .bool(process.usesInit)),
    ])
  }

  /// Of its health: why it is what it is.
  private func lastCheck(of status: ContainerStatus) -> JSON {
    guard let check = status.life?.lastCheck else { return .null }
    return .members([
      ("Succeeded", .bool(check.succeeded)), ("ExitCode", .integer(Int64(check.exitCode))),
      ("Output", .string(check.output)), ("EndedAt", .string(LogTime.text(check.endedAt))),
    ])
  }

  private func root(_ specification: ContainerSpecification, _ status: ContainerStatus) -> JSON {
    .members([
      ("Layers", .strings(specification.root.layers)), ("WritableLayer", .string("\(status.directory.path)/upper")),
      ("ReadOnly", .bool(specification.root.isReadOnly)),
    ])
  }

  private func mounts(_ specification: ContainerSpecification) -> JSON {
    .array(
      specification.mounts.map { mount in
        let (type, source): (String, String) =
          switch mount.source {
          case .bind(let path): ("bind", path)
          case .volume(let path): ("volume", path)
          case .part(let directory, let path): ("volume", "\(directory)/\(path)")
          case .ownFile, .grantedFile: ("file", "")
          case .tmpfs(let options): ("tmpfs", options.joined(separator: ","))
          }
        return .members([
          ("Type", .string(type)), ("Source", .string(source)), ("Target", .string(mount.target)),
          ("ReadOnly", .bool(mount.isReadOnly)),
        ])
      })
  }

  private func security(_ specification: ContainerSpecification, _ record: ContainerRecord) -> JSON {
    let sets = specification.capabilities
    func names(_ mask: UInt64) -> JSON { .strings(CapabilitySet(rawValue: mask).members) }
    return .members([
      ("Privileged", .bool(specification.isPrivileged)), ("Capabilities", names(sets.effective)),
      (
        "CapabilitySets",
        .members([
          ("Bounding", names(sets.bounding)), ("Permitted", names(sets.permitted)),
          ("Inheritable", names(sets.inheritable)), ("Ambient", names(sets.ambient)),
        ])
      ),
      ("NoNewPrivileges", .bool(specification.noNewPrivileges)), ("Seccomp", .bool(specification.seccomp != nil)),
      // Each instruction has 8 bytes; a few more say how it is loaded.
      ("SeccompInstructions", .integer(Int64((specification.seccomp?.count ?? 0) / 8))),
      ("UserNamespace", specification.namespaces.users.map { .string("0 \($0.base) \($0.count)") } ?? .null),
      ("MachineUserNamespaceReason", .optional(record.machineUsersReason)),
      ("MaskedPaths", .bool(!specification.isPrivileged)),
    ])
  }

  private func resources(_ specification: ContainerSpecification) -> JSON {
    let limits = specification.cgroup.limits
    let cpus = limits.cpuQuota.map { Double($0) / Double(limits.cpuPeriod ?? CgroupLimits.defaultPeriod) }
    func number(_ value: (some BinaryInteger)?) -> JSON { value.map { .integer(Int64(clamping: $0)) } ?? .null }
    return .members([
      ("Cgroup", .string(specification.cgroup.path.joined(separator: "/"))),
      ("Memory", number(limits.memory)),
      ("MemoryAndSwap", number(limits.memoryAndSwap)), ("Cpus", cpus.map { .string("\($0)") } ?? .null),
      ("CpuShares", number(limits.cpuShares)), ("Cpuset", .optional(limits.cpuset)), ("Pids", number(limits.pids)),
    ])
  }
}
