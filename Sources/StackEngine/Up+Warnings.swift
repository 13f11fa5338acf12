import LinuxCgroup
import LinuxFirewall
import StackModel
import StackPlan

/// What `up` says of a machine on which not all is as the user may think.
extension UpOperation {
  /// Names the chains of the machine's own firewall that what is forwarded does not get through.
  func warnOfFirewall() {
    // Best effort: it is a help for the reader.
    let chains = (try? FirewallSocket().closedForwardChains(except: KernelNames.bridgePrefix)) ?? []
    for chain in chains {
      engine.report(
        .network, plan.stack.name, .hindered,
        detail: "the machine's firewall drops what it forwards (chain \(chain.description)): until it lets "
          + "\(KernelNames.bridgePrefix)* through, other machines reach no published port, and services no other machine"
      )
    }
  }

  /// Names the limits that only cgroup v1 has, where it is version 2 that counts memory.
  func warnOfLimits(of services: [PreparedService]) {
    let asking = services.filter { $0.service.resources.needsLegacyMemory }
    // Best effort: a machine without cgroups says so when the container is made.
    guard !asking.isEmpty, case .unified? = try? CgroupHierarchy.current().location(of: .memory) else { return }
    for service in asking {
      engine.report(
        .container, service.name, .hindered,
        detail: "mem_swappiness and oom_kill_disable have no effect: this machine has cgroup v2")
    }
  }
}

extension Resources {
  fileprivate var needsLegacyMemory: Bool { swappiness != nil || disablesOOMKill == true }
}
