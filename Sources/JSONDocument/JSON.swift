/// A JSON document (RFC 8259). Objects keep their order; of a name that comes twice the last one counts.
package enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  /// As it is written, to lose nothing.
  case number(String)
  case string(String)
  case array([JSON])
  case object([Member])

  package struct Member: Hashable, Sendable {
    package var name: String
    package var value: JSON

    package init(name: String, value: JSON) {
      self.name = name
      self.value = value
    }
  }

  package static func integer(_ value: some BinaryInteger) -> JSON { .number("\(value)") }

  package static func strings(_ values: some Sequence<String>) -> JSON { .array(values.map { .string($0) }) }

  package static func optional(_ value: String?) -> JSON { value.map(JSON.string) ?? .null }

  /// An object of these members, in this order.
  package static func members(_ members: [(String, JSON)]) -> JSON {
    .object(members.map { Member(name: $0.0, value: $0.1) })
  }

  /// An object of the members that have a value.
  package static func record(_ members: KeyValuePairs<String, JSON?>) -> JSON {
    .object(members.compactMap { name, value in value.map { Member(name: name, value: $0) } })
  }

  package subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name == name }?.value
  }
}

/// Why bytes are no JSON document.
package struct JSONError: Error, Hashable, CustomStringConvertible {
  package let offset: Int
  package let reason: String
  package var description: String { "not a JSON document: \(reason) at byte \(offset)" }
}

extension JSON {
  /// Reads a document. Total: any bytes give a value or an error, in time and memory linear in their number.
  package init(bytes: [UInt8]) throws(JSONError) {
    var parser = JSONParser(bytes)
    self = try parser.document()
  }
}

private struct JSONParser {
  private let bytes: [UInt8]
  private var offset = 0
  private var depth = 0

  /// Deeper than any document that means something, and far from the end of the stack.
  private static let deepest = 200

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  private func failure(_ reason: String) -> JSONError { JSONError(offset: offset, reason: reason) }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    offset += 1
    return true
  }

  mutating func document() throws(JSONError) -> JSON {
    let value = try value()
    skipSpace()
    if next != nil { throw failure("something after the end") }
    return value
  }

  private mutating func value() throws(JSONError) -> JSON {
    skipSpace()
    guard let byte = next else { throw failure("the end of the text") }
    switch byte {
    case UInt8(ascii: "{"): return try object()
    case UInt8(ascii: "["): return try array()
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ text: String, _ value: JSON) throws(JSONError) -> JSON {
    guard bytes[offset...].starts(with: text.utf8) else { throw failure("an unknown word") }
    offset += text.utf8.count
    return value
  }

  private mutating func nested<Value>(
    _ body: (inout JSONParser) throws(JSONError) -> Value
  ) throws(JSONError) -> Value {
    depth += 1
    if depth > Self.deepest { throw failure("too many levels") }
    let value = try body(&self)
    depth -= 1
    return value
  }

  private mutating func object() throws(JSONError) -> JSON {
    try nested { (parser) throws(JSONError) in
      parser.offset += 1
      var members: [JSON.Member] = []
      parser.skipSpace()
      if parser.take(UInt8(ascii: "}")) { return .object(members) }
      while true {
        parser.skipSpace()
        guard parser.next == UInt8(ascii: "\"") else { throw parser.failure("no name") }
        let name = try parser.string()
        parser.skipSpace()
        guard parser.take(UInt8(ascii: ":")) else { throw parser.failure("no colon") }
        members.append(JSON.Member(name: name, value: try parser.value()))
        parser.skipSpace()
        if parser.take(UInt8(ascii: "}")) { return .object(members) }
        guard parser.take(UInt8(ascii: ",")) else { throw parser.failure("neither a comma nor the end of an object") }
      }
    }
  }

  private mutating func array() throws(JSONError) -> JSON {
    try nested { (parser) throws(JSONError) in
      parser.offset += 1
      var values: [JSON] = []
      parser.skipSpace()
      if parser.take(UInt8(ascii: "]")) { return .array(values) }
      while true {
        values.append(try parser.value())
        parser.skipSpace()
        if parser.take(UInt8(ascii: "]")) { return .array(values) }
        guard parser.take(UInt8(ascii: ",")) else { throw parser.failure("neither a comma nor the end of a list") }
      }
    }
  }

  private mutating func number() throws(JSONError) -> JSON {
    let start = offset
    _ = take(UInt8(ascii: "-"))
    let whole = digits()
    guard whole > 0 else { throw failure("an unknown word") }
    if whole > 1 && bytes[offset - whole] == UInt8(ascii: "0") { throw failure("a number that begins with 0") }
    if take(UInt8(ascii: ".")) && digits() == 0 { throw failure("a number without digits") }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      if digits() == 0 { throw failure("a number without digits") }
    }
    return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
  }

  private mutating func digits() -> Int {
    let start = offset
    while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
    return offset - start
  }

  private mutating func string() throws(JSONError) -> String {
    offset += 1
    var text: [UInt8] = []
    var start = offset
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        text += bytes[start..<offset]
        offset += 1
        guard let string = String(validating: text, as: UTF8.self) else { throw failure("text that is not UTF-8") }
        return string
      case UInt8(ascii: "\\"):
        text += bytes[start..<offset]
        offset += 1
        text += Array(String(try escape()).utf8)
        start = offset
      case 0..<0x20: throw failure("a control character in a string")
      default: offset += 1
      }
    }
    throw failure("the end of the text in a string")
  }

  private mutating func escape() throws(JSONError) -> Unicode.Scalar {
    guard let byte = next else { throw failure("the end of the text in a string") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw failure("an unknown escape")
    }
  }

  private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
    let first = try hexadecimal()
    if let scalar = Unicode.Scalar(first) { return scalar }
    // Two halves make one character; a half alone is none.
    guard (0xd800..<0xdc00).contains(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
      return "\u{fffd}"
    }
    let second = try hexadecimal()
    guard (0xdc00..<0xe000).contains(second) else { return "\u{fffd}" }
    return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)) ?? "\u{fffd}"
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    guard offset + 4 <= bytes.count, bytes[offset] != UInt8(ascii: "+"), bytes[offset] != UInt8(ascii: "-"),
      let value = UInt32(String(decoding: bytes[offset..<(offset + 4)], as: UTF8.self), radix: 16)
    else { throw failure("an escape without four digits") }
    offset += 4
    return value
  }
}

extension JSON {
  /// The document as text: on one line, or with a line for each value.
  package func text(indent: Bool = false) -> String {
    var text = ""
    write(to: &text, indent ? 0 : nil)
    return text
  }

  private func write(to text: inout String, _ level: Int?) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let value): text += value
    case .string(let value): Self.write(value, to: &text)
    case .array(let values):
      Self.write("[", values, "]", to: &text, level) { value, text, level in value.write(to: &text, level) }
    case .object(let members):
      Self.write("{", members, "}", to: &text, level) { member, text, level in
        Self.write(member.name, to: &text)
        text += level == nil ? ":" : ": "
        member.value.write(to: &text, level)
      }
    }
  }

  private static func write<Item>(
    _ open: String, _ items: [Item], _ close: String, to text: inout String, _ level: Int?,
    _ body: (Item, inout String, Int?) -> Void
  ) {
    text += open
    let inner = level.map { $0 + 1 }
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      if let inner { text += "\n" + String(repeating: "  ", count: inner) }
      body(item, &text, inner)
    }
    if let level, !items.isEmpty { text += "\n" + String(repeating: "  ", count: level) }
    text += close
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      case "\u{0}"..<" ":
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
