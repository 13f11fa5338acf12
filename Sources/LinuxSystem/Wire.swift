/// A compact binary form for records that only this program reads: what a shim is told, and what it reports.
///
/// Fields follow each other in the order in which `write(to:)` names them; integers are little-endian, strings and lists
/// have a 32-bit count before them. Records that users read are JSON.
package protocol WireCodable {
  init(from reader: inout WireReader) throws(WireError)
  func write(to writer: inout WireWriter)
}

/// Bytes that are not a record of the expected type: cut short, of another version, or damaged.
package struct WireError: Error, Hashable, Sendable, CustomStringConvertible {
  package let offset: Int
  package let expected: String
  package var description: String { "damaged record: expected \(expected) at byte \(offset)" }
}

package struct WireWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
    var rest = value
    for _ in 0..<(Value.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest = Value.bitWidth > 8 ? rest >> 8 : 0
    }
  }

  package mutating func data(_ value: [UInt8]) {
    integer(UInt32(value.count))
    bytes.append(contentsOf: value)
  }
}

package struct WireReader {
  private let bytes: [UInt8]
  private var offset = 0

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  package mutating func integer<Value: FixedWidthInteger>(_: Value.Type = Value.self) throws(WireError) -> Value {
    let width = Value.bitWidth / 8
    guard bytes.count - offset >= width else { throw error("\(width) bytes") }
    var value: Value = 0
    for index in (0..<width).reversed() {
      value = (Value.bitWidth > 8 ? value << 8 : 0) | Value(truncatingIfNeeded: bytes[offset + index])
    }
    offset += width
    return value
  }

  package mutating func data() throws(WireError) -> [UInt8] {
    let count = Int(try integer(UInt32.self))
    guard bytes.count - offset >= count else { throw error("\(count) bytes") }
    defer { offset += count }
    return Array(bytes[offset..<(offset + count)])
  }

  /// Whether all has been read: what later versions of a record have at its end is not there.
  package var isAtEnd: Bool { offset == bytes.count }

  package func error(_ expected: String) -> WireError {
    WireError(offset: offset, expected: expected)
  }

  /// Ends reading: what is left over is an error.
  package func finish() throws(WireError) {
    guard offset == bytes.count else { throw error("the end") }
  }
}

extension WireCodable {
  package var wireBytes: [UInt8] {
    var writer = WireWriter()
    write(to: &writer)
    return writer.bytes
  }

  package init(wireBytes: [UInt8]) throws(WireError) {
    var reader = WireReader(wireBytes)
    try self.init(from: &reader)
    try reader.finish()
  }
}

extension WireWriter {
  package mutating func value(_ value: some WireCodable) { value.write(to: &self) }
}

extension WireReader {
  package mutating func value<Value: WireCodable>(_: Value.Type = Value.self) throws(WireError) -> Value {
    try Value(from: &self)
  }
}

extension Bool: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    switch try reader.integer(UInt8.self) {
    case 0: self = false
    case 1: self = true
    default: throw reader.error("a boolean")
    }
  }
  package func write(to writer: inout WireWriter) { writer.integer(UInt8(self ? 1 : 0)) }
}

extension String: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    guard let text = String(validating: try reader.data(), as: UTF8.self) else { throw reader.error("UTF-8") }
    self = text
  }
  package func write(to writer: inout WireWriter) { writer.data(Array(utf8)) }
}

extension Int: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) { self = Int(try reader.integer(Int64.self)) }
  package func write(to writer: inout WireWriter) { writer.integer(Int64(self)) }
}

extension Int32: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) { self = try reader.integer() }
  package func write(to writer: inout WireWriter) { writer.integer(self) }
}

extension UInt16: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) { self = try reader.integer() }
  package func write(to writer: inout WireWriter) { writer.integer(self) }
}

extension UInt32: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) { self = try reader.integer() }
  package func write(to writer: inout WireWriter) { writer.integer(self) }
}

extension UInt64: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) { self = try reader.integer() }
  package func write(to writer: inout WireWriter) { writer.integer(self) }
}

extension Array: WireCodable where Element: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    let count = try reader.integer(UInt32.self)
    self = []
    for _ in 0..<count { append(try Element(from: &reader)) }
  }
  package func write(to writer: inout WireWriter) {
    writer.integer(UInt32(count))
    for element in self { element.write(to: &writer) }
  }
}

extension Optional: WireCodable where Wrapped: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self = try Bool(from: &reader) ? try Wrapped(from: &reader) : nil
  }
  package func write(to writer: inout WireWriter) {
    writer.value(self != nil)
    if let self { self.write(to: &writer) }
  }
}
