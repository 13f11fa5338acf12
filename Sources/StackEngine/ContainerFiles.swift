import LinuxSystem
import StackModel
import StackPlan

/// The files that the engine writes for a container and mounts into its /etc: hosts(5), hostname(5), resolv.conf(5).
struct ContainerFiles {
  private let stack: Stack
  private let hosts: HostsFile
  private let machineHosts: String
  private let machineResolver: String
  private let upstreamResolver: String

  init(plan: UpPlan) {
    stack = plan.stack
    hosts = HostsFile(plan.stack, plan.addresses)
    // Best effort: what the machine does not have, it cannot pass on.
    machineHosts = (try? Files.text("/etc/hosts")) ?? ""
    machineResolver = (try? Files.text("/etc/resolv.conf")) ?? ""
    upstreamResolver = (try? Files.text("/run/systemd/resolve/resolv.conf")) ?? ""
  }

  func contents(for service: Service) -> [(name: String, content: String)] {
    let owner = networkOwner(of: service)
    let hostname = service.containerHostname
    return [
      ("hosts", hosts.render(for: owner, hostname: hostname, hostContent: machineHosts)),
      ("hostname", "\(hostname)\n"),
      (
        "resolv.conf",
        ResolvConf.render(for: owner, hostContent: machineResolver, upstreamContent: upstreamResolver)
      ),
    ]
  }

  /// The service whose network it is: its own, or that of the service it shares. A circle cannot get here.
  private func networkOwner(of service: Service) -> Service {
    guard case .service(let name) = service.networkMode,
      let other = stack.services.first(where: { $0.name == name })
    else { return service }
    return networkOwner(of: other)
  }
}
