import InternetAddress

/// An Ethernet address (EUI-48).
package struct MACAddress: Hashable, Sendable, CustomStringConvertible {
  /// The 48 bits; the first octet on the wire is the highest.
  package let value: UInt64

  /// - Parameter value: bits above the 48th are ignored.
  package init(value: UInt64) {
    self.value = value & 0xffff_ffff_ffff
  }

  /// The address of the interface that has this IPv4 address: locally administered, and the same at every start, so that
  /// no neighbour's table grows stale when a container is replaced.
  package init(of address: IPv4Address) {
    self.init(value: 0x0242_0000_0000 | UInt64(address.value))
  }

  /// `02:42:0a:00:00:02`
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var value: UInt64 = 0
    for part in parts {
      guard part.utf8.count == 2, part.first != "+", part.first != "-", let octet = UInt8(part, radix: 16)
      else { return nil }
      value = value << 8 | UInt64(octet)
    }
    self.value = value
  }

  /// Six octets in the order of the wire.
  package var octets: [UInt8] {
    (0..<6).map { UInt8(truncatingIfNeeded: value >> (40 - 8 * UInt64($0))) }
  }

  package var description: String {
    octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
  }
}
