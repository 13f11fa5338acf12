import InternetAddress
import SystemPackage

/// An Ethernet address.
package struct HardwareAddress: Hashable, Sendable {
  /// Six bytes.
  package let bytes: [UInt8]

  /// - Returns: nil unless there are six bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 6 else { return nil }
    self.bytes = bytes
  }

  /// The locally administered address 02:73:a.b.c.d of an IPv4 address: the same host has the same both times, so that its
  /// neighbours' caches stay right.
  package init(of address: IPv4Address) {
    let value = address.value
    bytes = [
      0x02, 0x73, UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255),
    ]
  }
}

/// A bridge with an address, up at once.
package struct BridgeSpecification: Hashable, Sendable {
  package var name: String
  /// Given, because a bridge without one takes the lowest of its ports' and changes it when that port goes.
  package var hardwareAddress: HardwareAddress
  package var mtu: Int?
  package var address: IPv4Address
  package var prefixLength: Int
  package var group: UInt32

  package init(
    name: String, hardwareAddress: HardwareAddress, mtu: Int?, address: IPv4Address, prefixLength: Int, group: UInt32
  ) {
    self.name = name
    self.hardwareAddress = hardwareAddress
    self.mtu = mtu
    self.address = address
    self.prefixLength = prefixLength
    self.group = group
  }
}

/// A veth pair: the host's end a port of a bridge and up, the other end in another network namespace from the start.
package struct VethSpecification: Hashable, Sendable {
  package var hostName: String
  /// The interface index of the bridge.
  package var bridge: Int32
  package var group: UInt32
  package var mtu: Int?
  package var peerName: String
  package var peerHardwareAddress: HardwareAddress
  /// A process in the peer's network namespace.
  package var peerProcess: Int32

  package init(
    hostName: String, bridge: Int32, group: UInt32, mtu: Int?, peerName: String, peerHardwareAddress: HardwareAddress,
    peerProcess: Int32
  ) {
    self.hostName = hostName
    self.bridge = bridge
    self.group = group
    self.mtu = mtu
    self.peerName = peerName
    self.peerHardwareAddress = peerHardwareAddress
    self.peerProcess = peerProcess
  }
}

/// What an interface in a container gets.
package struct InterfaceConfiguration: Hashable, Sendable {
  package var name: String
  package var address: IPv4Address
  package var prefixLength: Int
  package var gateway: IPv4Address?

  package init(name: String, address: IPv4Address, prefixLength: Int, gateway: IPv4Address?) {
    self.name = name
    self.address = address
    self.prefixLength = prefixLength
    self.gateway = gateway
  }
}

/// An interface that exists.
package struct Link: Hashable, Sendable {
  package let index: Int32
  package let name: String
  package let group: UInt32
}

/// A route of the main table.
package struct Route: Hashable, Sendable {
  package let destination: IPv4Subnet
  package let linkIndex: Int32
}
