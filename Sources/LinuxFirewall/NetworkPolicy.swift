import InternetAddress

/// Who may reach whom through the bridges of one group of networks, which share one nftables table.
///
/// What it means, for the bridges and ports named here and for nothing else:
///  * A published port leads to its destination from other machines, from the host itself by any of its addresses, and from
///    containers, also the destination itself, by an address of the host. One published at a single address of the host is
///    reached by that address alone.
///  * Into a network come only answers, what a published port leads there, and its own members. In particular no other
///    machine can route to a container's address, and networks are closed to each other.
///  * From a network the host itself is reached by questions to the resolver at the gateway, by ping, and by those whom the
///    policy names as its guests. Everything else that listens on the host is refused.
///  * Who can make frames of its own sends them as itself: see `Forger`.
///  * Out of a network goes everything, with the host's address for a source. Out of an internal network goes nothing, not
///    even to the host, except questions to the resolver at its gateway.
///
/// A verdict of accept ends only the table that gives it: where another table, of the machine's own firewall, drops what is
/// forwarded (a `forward` chain whose policy is `drop`), that firewall has to let the bridges through. Nothing of it is
/// changed from here.
package struct NetworkPolicy: Hashable, Sendable {
  /// A bridge of the host: one network.
  package struct Bridge: Hashable, Sendable {
    /// The name of the interface.
    package var name: String
    package var subnet: IPv4Subnet
    /// The bridge's own address, the containers' way out.
    package var gateway: IPv4Address
    package var isInternal: Bool

    package init(name: String, subnet: IPv4Subnet, gateway: IPv4Address, isInternal: Bool = false) {
      self.name = name
      self.subnet = subnet
      self.gateway = gateway
      self.isInternal = isInternal
    }
  }

  /// A protocol with ports.
  package enum Transport: UInt8, Hashable, Sendable {
    case tcp = 6
    case udp = 17
  }

  /// A port of the host that leads to a port of a container.
  package struct PublishedPort: Hashable, Sendable {
    /// nil: every address of the host.
    package let hostAddress: IPv4Address?
    package let hostPort: UInt16
    package let transport: Transport
    /// An address in a network that is not internal, and by whose gateway the container answers.
    package let destination: IPv4Address
    package let destinationPort: UInt16

    /// - Parameter hostAddress: 0.0.0.0 stands for every address, like nil.
    package init(
      hostAddress: IPv4Address? = nil, hostPort: UInt16, transport: Transport, destination: IPv4Address,
      destinationPort: UInt16
    ) {
      self.hostAddress = hostAddress?.value == 0 ? nil : hostAddress
      self.hostPort = hostPort
      self.transport = transport
      self.destination = destination
      self.destinationPort = destinationPort
    }
  }

  /// A member of a network that can send what no socket of its address would (CAP_NET_RAW, CAP_NET_ADMIN).
  package struct Forger: Hashable, Sendable {
    /// The host's end of its pair.
    package var interface: String
    package var address: IPv4Address
    /// It may give itself more addresses, and send on for others (CAP_NET_ADMIN): then it only may not claim an address
    /// that is another member's.
    package var hasOwnNetwork: Bool

    package init(interface: String, address: IPv4Address, hasOwnNetwork: Bool = false) {
      self.interface = interface
      self.address = address
      self.hasOwnNetwork = hasOwnNetwork
    }
  }

  /// The name of the nftables table of family `ip`, and of that of family `bridge` if there is one.
  package var tableName: String
  package var bridges: [Bridge]
  package var ports: [PublishedPort]
  /// Members that may connect to the host.
  package var guests: [IPv4Address]
  package var forgers: [Forger]
  /// The addresses of all members.
  package var members: [IPv4Address]

  package init(
    tableName: String, bridges: [Bridge], ports: [PublishedPort] = [], guests: [IPv4Address] = [],
    forgers: [Forger] = [], members: [IPv4Address] = []
  ) {
    self.tableName = tableName
    self.bridges = bridges
    self.ports = ports
    self.guests = guests
    self.forgers = forgers
    self.members = members
  }
}
