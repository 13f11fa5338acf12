import InternetAddress
import StackModel

/// The /etc/hosts files (hosts(5)) of the containers of a stack.
///
/// What is the same for all services of a network is made once: the work is that of writing the files.
package struct HostsFile: Sendable {
  private static let loopback = """
    127.0.0.1\tlocalhost
    ::1\tlocalhost ip6-localhost ip6-loopback
    fe00::\tip6-localnet
    ff00::\tip6-mcastprefix
    ff02::1\tip6-allnodes
    ff02::2\tip6-allrouters

    """

  private let plan: AddressPlan
  /// By the key of the network: a line for each service on it.
  private let members: [String: String]

  package init(_ stack: Stack, _ plan: AddressPlan) {
    self.plan = plan
    var members: [String: String] = [:]
    // Nobody reaches a step before a start.
    for service in stack.services where service.initPlace == nil {
      guard case .networks(let attachments) = service.networkMode else { continue }
      let container = KernelNames.container(project: stack.name, service)
      for attachment in attachments {
        guard let address = plan.address(of: service.name, on: attachment.network) else { continue }
        var names = service.isOneOff ? [container] : [service.serviceName, container]
        for alias in (service.containerName.map { [$0] } ?? []) + attachment.aliases where !names.contains(alias) {
          names.append(alias)
        }
        members[attachment.network, default: ""] += "\(address)\t\(names.joined(separator: " "))\n"
      }
    }
    self.members = members
  }

  /// The file of one service. A service in the network namespace of another has the other's file.
  /// - Parameters:
  ///   - hostname: the container's.
  ///   - hostContent: the machine's own /etc/hosts, for `network_mode: host`.
  package func render(for service: Service, hostname: String, hostContent: String) -> String {
    switch service.networkMode {
    case .host:
      let separator = hostContent.isEmpty || hostContent.hasSuffix("\n") ? "" : "\n"
      let gateway = IPv4Address(value: 127 << 24 | 1)
      return hostContent + separator + Self.extraHosts(service, gateway: gateway)
    case .none, .service:
      return Self.loopback + Self.extraHosts(service, gateway: nil)
    case .networks(let attachments):
      let gateway = attachments.lazy.compactMap { plan.networks[$0.network]?.gateway }.first
      var text = Self.loopback + Self.extraHosts(service, gateway: gateway)
      // Beside the line of the service, which has its name and is in all files of the network.
      let fullName = service.domainName.map { "\(hostname).\($0)" }
      for attachment in attachments where hostname != service.serviceName || fullName != nil {
        guard let address = plan.address(of: service.name, on: attachment.network) else { continue }
        text += "\(address)\t\(fullName.map { $0 + " " } ?? "")\(hostname)\n"
      }
      for attachment in attachments { text += members[attachment.network] ?? "" }
      return text
    }
  }

  /// `host-gateway` is the machine as the container reaches it; without a way to it the name is left out.
  private static func extraHosts(_ service: Service, gateway: IPv4Address?) -> String {
    service.extraHosts.map { host in
      guard host.address == "host-gateway" else { return "\(host.address)\t\(host.name)\n" }
      return gateway.map { "\($0)\t\(host.name)\n" } ?? ""
    }.joined()
  }
}
