/// FNV-1a with 64 bits (RFC 9923): the same in every process and on every machine, unlike `Hasher`. Not for untrusted input.
package struct StableHash: Sendable {
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  package mutating func combine(_ byte: UInt8) {
    value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
  }

  package mutating func combine(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { combine(byte) }
  }

  /// The hash of `parts`, none of which runs into the next.
  package static func of(_ parts: String...) -> UInt64 {
    var hash = StableHash()
    for part in parts {
      hash.combine(part.utf8)
      hash.combine(0)
    }
    return hash.value
  }

  /// Both halves of a hash in 32 bits.
  package static func folded(_ value: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: value ^ value >> 32)
  }

  /// `value` in hexadecimal, lower case, with leading zeros.
  package static func hexadecimal(_ value: some FixedWidthInteger & UnsignedInteger) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: value.bitWidth / 4 - digits.count) + digits
  }
}
