import InternetAddress
import LinuxSystem
import StackModel
import StackPlan
import StackStore

/// The files that the engine writes for a container and mounts into its /etc: hosts(5), hostname(5), resolv.conf(5).
struct ContainerFiles {
  /// Their names, in the order of `contents`.
  static let names = ["hosts", "hostname", "resolv.conf"]

  private let stack: Stack
  private let hosts: HostsFile
  private let machineHosts: String
  private let machineResolver: String
  private let upstreamResolver: String
  /// Of the networks of this stack, by key, and of those of others.
  private let gateways: [String: String]
  private let foreignGateways: [String: String]
  private let internalNetworks: Set<String>

  init(plan: UpPlan) {
    stack = plan.stack
    hosts = HostsFile(plan.stack, plan.addresses)
    // A supervisor answers on the networks that its stack has made; on a bridge of the machine's nobody does.
    func gateways(_ networks: [NetworkRecord]) -> [String: String] {
      Dictionary(networks.map { ($0.key, $0.gateway.description) }, uniquingKeysWith: { first, _ in first })
    }
    self.gateways = gateways(plan.networks.filter { !$0.isExternal })
    foreignGateways = gateways(
      plan.networks.filter { $0.isExternal && $0.bridge.hasPrefix(KernelNames.bridgePrefix) })
    internalNetworks = Set(plan.networks.filter(\.isInternal).map(\.key))
    // Best effort: what the machine does not have, it cannot pass on.
    machineHosts = (try? Files.text("/etc/hosts")) ?? ""
    machineResolver = (try? Files.text("/etc/resolv.conf")) ?? ""
    upstreamResolver = (try? Files.text("/run/systemd/resolve/resolv.conf")) ?? ""
  }

  func contents(for service: Service) -> [(name: String, content: String)] {
    let owner = networkOwner(of: service)
    let hostname = service.containerHostname
    let contents = [
      hosts.render(for: owner, hostname: hostname, hostContent: machineHosts),
      "\(hostname)\n",
      ResolvConf.render(
        for: owner, gateway: gateway(of: owner), hasWayOut: hasWayOut(owner), hostContent: machineResolver,
        upstreamContent: upstreamResolver),
    ]
    return Array(zip(Self.names, contents))
  }

  private func gateway(of service: Service) -> String? {
    guard case .networks(let attachments) = service.networkMode else { return nil }
    return attachments.lazy.compactMap { gateways[$0.network] }.first
      ?? attachments.lazy.compactMap { foreignGateways[$0.network] }.first
  }

  private func hasWayOut(_ service: Service) -> Bool {
    guard case .networks(let attachments) = service.networkMode else { return true }
    return attachments.contains { !internalNetworks.contains($0.network) }
  }

  /// The service whose network it is: its own, or that of the service it shares. A circle cannot get here.
  private func networkOwner(of service: Service) -> Service {
    guard case .service(let name) = service.networkMode,
      let other = stack.services.first(where: { $0.name == name })
    else { return service }
    return networkOwner(of: other)
  }
}
