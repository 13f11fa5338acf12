import InternetAddress
import IsolationEngine
import LinuxFirewall
import LinuxNetlink
import LinuxSystem
import StackModel
import StackPlan
import StackStore

/// Where the containers of an `up` stand: their interfaces, and the namespaces of others that they share.
extension UpOperation {
  func interfaces(for service: Service, container: String) -> [InterfaceSpecification] {
    guard case .networks(let attachments) = service.networkMode else { return [] }
    // The default route goes through it.
    let outward = outward(attachments)?.network
    // A frame to a published port is redirected within the bridge where the bridge calls the firewall.
    let isHairpin = !service.ports.isEmpty && HostForwarding.bridgesCallFirewall
    return attachments.enumerated().compactMap { index, attachment in
      guard let network = plan.networks.first(where: { $0.key == attachment.network }),
        let address = plan.addresses.address(of: service.name, on: attachment.network)
      else { return nil }
      var interface = InterfaceSpecification(
        name: attachment.interfaceName ?? KernelNames.containerInterface(index: index),
        hostName: KernelNames.hostInterface(
          project: plan.stack.name, container: container, index: index),
        bridge: network.bridge, group: KernelNames.linkGroup(project: plan.stack.name),
        address: address, prefixLength: network.subnet.prefixLength,
        gateway: attachment.network == outward ? network.gateway : nil, mtu: network.mtu, isHairpin: isHairpin)
      interface.hardwareAddress = attachment.hardwareAddress.flatMap { MACAddress($0) }
      return interface
    }
  }

  func namespaces(for service: Service) throws -> NamespaceSpecification {
    func source(_ sharing: NamespaceSharing?, _ what: String) throws -> NamespaceSpecification.Source {
      switch sharing {
      case nil: return .own
      case .host: return .host
      case .service(let other):
        let container = directory.container(containerName(of: other))
        guard let run = try container.read(.state), try run.process.isAlive else {
          throw EngineError(.failure, service.name, "service \(other), whose \(what) it shares, is not running")
        }
        return .of(run.process)
      }
    }
    let network: NamespaceSharing? =
      switch service.networkMode {
      case .none, .networks: nil
      case .host: .host
      case .service(let other): .service(other)
      }
    var namespaces = NamespaceSpecification(network: try source(network, "network"))
    namespaces.processes = try source(service.pid, "processes")
    namespaces.communication = try source(service.ipc, "IPC")
    namespaces.sharesHostname = service.sharesHostname ?? false
    namespaces.sharesCgroups = service.sharesCgroupNamespace ?? false
    return namespaces
  }
}
