/// Values in the wire form of D-Bus ("Marshaling (Wire Format)" of its specification), the lowest byte first.
struct BusWriter {
  private(set) var bytes: [UInt8] = []

  mutating func align(to boundary: Int) {
    while bytes.count % boundary != 0 { bytes.append(0) }
  }

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func uint32(_ value: UInt32) { integer(value) }
  mutating func uint64(_ value: UInt64) { integer(value) }
  mutating func boolean(_ value: Bool) { integer(UInt32(value ? 1 : 0)) }

  private mutating func integer<Integer: FixedWidthInteger>(_ value: Integer) {
    align(to: Integer.bitWidth / 8)
    for shift in stride(from: 0, to: Integer.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// Also an object path.
  mutating func string(_ text: String) {
    uint32(UInt32(text.utf8.count))
    bytes += text.utf8
    bytes.append(0)
  }

  mutating func signature(_ text: String) {
    bytes.append(UInt8(text.utf8.count))
    bytes += text.utf8
    bytes.append(0)
  }

  mutating func structure(_ body: (inout BusWriter) -> Void) {
    align(to: 8)
    body(&self)
  }

  mutating func variant(_ type: String, _ body: (inout BusWriter) -> Void) {
    signature(type)
    body(&self)
  }

  /// - Parameter boundary: that of an element, which the length does not count.
  mutating func array(of boundary: Int, _ body: (inout BusWriter) -> Void) {
    uint32(0)
    let place = bytes.count - 4
    align(to: boundary)
    let start = bytes.count
    body(&self)
    let count = UInt32(bytes.count - start)
    for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: count >> (8 * UInt32(index))) }
  }
}

/// The reverse: nil where the bytes are not what they should be.
struct BusReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var isAtEnd: Bool { position >= bytes.endIndex }

  mutating func align(to boundary: Int) {
    let offset = position - bytes.startIndex
    position = bytes.startIndex + (offset + boundary - 1) / boundary * boundary
  }

  mutating func byte() -> UInt8? {
    guard position < bytes.endIndex else { return nil }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func uint32() -> UInt32? {
    align(to: 4)
    guard bytes.endIndex - position >= 4 else { return nil }
    defer { position += 4 }
    return (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[position + $1]) << (8 * UInt32($1)) }
  }

  mutating func string() -> String? {
    guard let count = uint32() else { return nil }
    return text(Int(count))
  }

  mutating func signature() -> String? {
    guard let count = byte() else { return nil }
    return text(Int(count))
  }

  private mutating func text(_ count: Int) -> String? {
    guard bytes.endIndex - position > count else { return nil }
    defer { position += count + 1 }
    return String(validating: bytes[position..<position + count], as: UTF8.self)
  }
}
