import InternetAddress
import LinuxSystem
import StackModel
import StackPlan

/// The files that the engine writes for a container and mounts into its /etc: hosts(5), hostname(5), resolv.conf(5).
struct ContainerFiles {
  let plan: UpPlan
  let service: Service
  let names: KernelNames

  func contents() throws -> [(name: String, content: String)] {
    let shared = owner(of: service)
    return [
      ("hosts", hosts(for: shared)), ("hostname", "\(service.hostname ?? service.name)\n"),
      ("resolv.conf", try resolver(for: shared)),
    ]
  }

  /// The service whose network it is: its own, or that of the service it shares.
  private func owner(of service: Service) -> Service {
    guard case .service(let name) = service.networkMode,
      let other = plan.stack.services.first(where: { $0.name == name })
    else { return service }
    return owner(of: other)
  }

  private func hosts(for owner: Service) -> String {
    guard case .networks(let attachments) = owner.networkMode else {
      // The host's names are the container's, as its network is the host's.
      let host = owner.networkMode == .host ? try? Files.text("/etc/hosts") : nil
      return HostsFile.render(
        hostname: service.hostname ?? service.name, ownAddresses: [], peers: [], extraHosts: service.extraHosts,
        gateway: nil, base: host)
    }
    let keys = Set(attachments.map(\.network))
    let gateway = plan.networks.first { keys.contains($0.key) }?.gateway
    return HostsFile.render(
      hostname: service.hostname ?? service.name,
      ownAddresses: attachments.compactMap { plan.addresses[owner.name]?[$0.network] },
      peers: peers(on: keys), extraHosts: service.extraHosts, gateway: gateway, base: nil)
  }

  /// Every service that shares a network, by all its names there.
  private func peers(on keys: Set<String>) -> [HostsFile.Peer] {
    plan.stack.services.flatMap { peer -> [HostsFile.Peer] in
      guard case .networks(let attachments) = peer.networkMode else { return [] }
      return attachments.compactMap { attachment in
        guard keys.contains(attachment.network), let address = plan.addresses[peer.name]?[attachment.network] else {
          return nil
        }
        let container = Engine.containerName(project: plan.stack.name, service: peer.name)
        return HostsFile.Peer(address: address, names: [peer.name, container] + attachment.aliases)
      }
    }
  }

  private func resolver(for owner: Service) throws -> String {
    // Best effort: a host without either file has no resolver to pass on.
    let host = (try? Files.text("/etc/resolv.conf")) ?? ""
    if owner.networkMode == .host && service.dns.isEmpty { return host }
    let behindStub = (try? Files.text("/run/systemd/resolve/resolv.conf")) ?? ""
    return ResolvConf.render(dns: service.dns, hostContent: host, fallbackContent: behindStub)
  }
}
