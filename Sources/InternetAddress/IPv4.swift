/// An IPv4 address.
package struct IPv4Address: Sendable, Hashable, Comparable, CustomStringConvertible, Codable {
  /// In host byte order: 10.0.0.1 is 0x0a000001.
  package var value: UInt32

  package init(value: UInt32) {
    self.value = value
  }

  /// Four decimal numbers without leading zeros (RFC 6943, section 3.1.1, the strict form).
  package init?(_ text: some StringProtocol) {
    // Byte by byte: stack files have hundreds of them.
    var value: UInt32 = 0
    var part: UInt32 = 0
    var digits = 0
    var dots = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if digits > 0, part == 0 { return nil }
        part = part * 10 + UInt32(byte - UInt8(ascii: "0"))
        digits += 1
        if part > 255 { return nil }
      case UInt8(ascii: ".") where digits > 0 && dots < 3:
        value = value << 8 | part
        (part, digits, dots) = (0, 0, dots + 1)
      default: return nil
      }
    }
    guard dots == 3, digits > 0 else { return nil }
    self.value = value << 8 | part
  }

  package static func < (left: Self, right: Self) -> Bool { left.value < right.value }

  package var description: String {
    "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let address = IPv4Address(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an IPv4 address")
    }
    self = address
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}

/// An IPv4 network in CIDR form (RFC 4632).
package struct IPv4Subnet: Sendable, Hashable, CustomStringConvertible, Codable {
  /// The network address: all host bits are zero.
  package let base: IPv4Address
  /// 0 to 32.
  package let prefixLength: Int

  /// Host bits of `base` are cleared. nil when the length is not in 0...32.
  package init?(base: IPv4Address, prefixLength: Int) {
    guard (0...32).contains(prefixLength) else { return nil }
    self.prefixLength = prefixLength
    self.base = IPv4Address(value: base.value & Self.mask(prefixLength))
  }

  /// `10.5.0.0/24`; bits below the prefix must be zero.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let base = IPv4Address(parts[0]), let length = Int(parts[1]),
      let subnet = IPv4Subnet(base: base, prefixLength: length), subnet.base == base
    else { return nil }
    self = subnet
  }

  private static func mask(_ length: Int) -> UInt32 {
    length == 0 ? 0 : ~UInt32(0) << UInt32(32 - length)
  }

  /// The last address.
  package var broadcast: IPv4Address { IPv4Address(value: base.value | ~Self.mask(prefixLength)) }

  package func contains(_ address: IPv4Address) -> Bool {
    address.value & Self.mask(prefixLength) == base.value
  }

  package func overlaps(_ other: IPv4Subnet) -> Bool {
    prefixLength <= other.prefixLength ? contains(other.base) : other.contains(base)
  }

  package var description: String { "\(base)/\(prefixLength)" }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let subnet = IPv4Subnet(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an IPv4 subnet")
    }
    self = subnet
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
