import Glibc
import InternetAddress
import IsolationEngine
import LinuxCgroup
import LinuxNetlink
import LinuxSystem
import StackModel
import StackPlan
import StackStore

/// What an `up` puts right that somebody has changed behind the stack's back.
///
/// What the kernel had when the plan was made is compared with what it is to have, and only a difference costs a request.
extension UpOperation {
  /// Gives the bridge of a network back what it was made with.
  func restore(_ network: NetworkRecord, _ link: Link, with route: RouteSocket) throws {
    let group = KernelNames.linkGroup(project: plan.stack.name)
    var lacking: [String] = []
    if !link.isUp { lacking.append("was down") }
    if link.group != group { lacking.append("was in another group") }
    if !lacking.isEmpty { try route.restore(link, group: group) }
    let prefixLength = network.subnet.prefixLength
    if !plan.kernel.has(network.gateway, prefixLength: prefixLength, on: link) {
      try route.add(network.gateway, prefixLength: prefixLength, to: link)
      lacking.append("had lost its address \(network.gateway)")
    }
    if lacking.isEmpty { return }
    engine.report(
      .network, network.name, .hindered,
      detail: "its bridge \(link.name) \(lacking.joined(separator: " and ")): it is as it was made again")
  }

  /// Connects containers that run with their networks again, each with the addresses that it had, where that was undone.
  /// - Parameter bridges: the interface indexes of the bridges by name.
  func restoreInterfaces(on bridges: [String: Int32], with route: RouteSocket) throws {
    var steps: [(container: String, step: BackgroundStep)] = []
    for status in plan.present {
      guard case .running(let run, _) = status.state, let record = status.record, record.networkOf == nil else {
        continue
      }
      // Mostly nothing lacks, which is seen without a look at the container's files.
      if !record.isMadeByRun, let service = plan.service(record.instanceName),
        lost(interfaces(for: service, container: status.directory.name), bridges).isEmpty
      {
        continue
      }
      // It may have been stopped, and removed, since the plan was made.
      guard let process = try run.process.open(), !process.hasEnded else { continue }
      // By what it was started with, which need not be what the file says now.
      let lost = lost(try status.directory.specification().interfaces, bridges)
      if lost.isEmpty { continue }
      let names = (lost.missing.map(\.name) + lost.detached.map(\.interface.name)).joined(separator: ", ")
      engine.report(
        .container, status.name, .hindered, detail: "it was cut off from its networks (\(names)): it is connected again"
      )
      if lost.missing.isEmpty {
        try lost.put(into: process)
      } else {
        steps.append((status.name, BackgroundStep { try lost.put(into: process) }))
      }
    }
    for (container, step) in steps { try engineStep(container) { try step.wait() } }
  }

  /// Which interfaces are not as they were made.
  private func lost(_ interfaces: [InterfaceSpecification], _ bridges: [String: Int32]) -> RestoredInterfaces {
    var lost = RestoredInterfaces()
    for interface in interfaces {
      // What is on a network that is no more, or another's and gone, stays as it is.
      guard let bridge = bridges[interface.bridge] ?? plan.kernel.links[interface.bridge]?.index else { continue }
      guard let link = plan.kernel.links[interface.hostName] else {
        lost.missing.append(interface)
        continue
      }
      if !link.isUp || link.group != interface.group || link.master != bridge {
        lost.detached.append((link, interface))
      }
    }
    return lost
  }

  /// Ends what runs of containers that are about to be made or started, and of which the state knows nothing: it was lost.
  /// They would keep their ports.
  func endStrays(among services: [PreparedService]) throws(EngineError) {
    for service in services where service.existing?.state.shim == nil {
      let name = service.container.name
      // Its end of a cable, or its directory without a record, gives it away.
      let cable = KernelNames.hostInterface(project: plan.stack.name, container: name, index: 0)
      let isSuspect = plan.kernel.links[cable] != nil || service.existing.map { $0.record == nil } ?? false
      guard isSuspect else { continue }
      try engineStep(service.name) {
        let cgroup = try Cgroup(try CgroupHierarchy.current(), project: plan.stack.name, container: name)
        let processes = try cgroup.processes()
        if processes.isEmpty { return }
        engine.report(
          .container, service.name, .hindered,
          detail: "it runs, and the record of that was lost or damaged: it is ended and started anew")
        let shims = Self.shims(of: processes, container: name)
        try cgroup.kill()
        for shim in shims where !shim.waitForEnd(milliseconds: 5000) {
          try shim.signal(SIGKILL)
          _ = shim.waitForEnd(milliseconds: 1000)
        }
      }
    }
  }

  /// The shims that keep processes: their parents, by their titles.
  private static func shims(of processes: [pid_t], container: String) -> [ProcessHandle] {
    let title = Array("stack shim \(container)".utf8)
    // Best effort: who ends meanwhile is as it should be.
    let parents = Set(processes.compactMap { (try? ProcessDescription($0)).flatMap { pid_t($0.parent) } })
    return parents.subtracting(processes).compactMap { parent in
      guard let handle = try? ProcessHandle(pid: parent),
        let words = try? Files.readAll("/proc/\(parent)/cmdline").split(separator: 0),
        words.count == 1, words.first.map({ title.starts(with: $0) && !$0.isEmpty }) == true
      else { return nil }
      return handle
    }
  }
}
