/// A tree as JSON (RFC 8259), two spaces a level.
struct JSONText {
  private var bytes: [UInt8] = []
  /// Whether `$` is doubled.
  private var escapes = false

  static func text(of node: Node, escapes: Bool = false) -> String {
    var text = JSONText()
    text.escapes = escapes
    text.write(node, indentation: 0)
    text.bytes.append(UInt8(ascii: "\n"))
    return String(decoding: text.bytes, as: UTF8.self)
  }

  static func quoted(_ value: String) -> String {
    var text = JSONText()
    text.write(quoted: value)
    return String(decoding: text.bytes, as: UTF8.self)
  }

  private mutating func write(_ node: Node, indentation: Int) {
    switch node.content {
    case .scalar(let value, let type): write(value, type)
    case .sequence(let items):
      guard !items.isEmpty else { return write("[]") }
      for index in items.indices {
        write(index == 0 ? "[" : ",")
        writeLine(indentation + 2)
        write(items[index], indentation: indentation + 2)
      }
      writeLine(indentation)
      write("]")
    case .mapping(let members):
      guard !members.isEmpty else { return write("{}") }
      for index in members.indices {
        write(index == 0 ? "{" : ",")
        writeLine(indentation + 2)
        write(quoted: members[index].key)
        write(": ")
        write(members[index].value, indentation: indentation + 2)
      }
      writeLine(indentation)
      write("}")
    }
  }

  private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func writeLine(_ indentation: Int) {
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation))
  }

  private mutating func write(_ value: String, _ type: ScalarType) {
    switch type {
    case .null, .wrong: write("null")
    case .boolean: write(value.lowercased())
    case .integer:
      if let number = CoreSchema.integer(value) { write("\(number)") } else { write(quoted: value) }
    case .real:
      if let number = CoreSchema.real(value), number.isFinite { write("\(number)") } else { write(quoted: value) }
    case .text:
      write(quoted: value)
    }
  }

  private mutating func write(quoted value: String) {
    bytes.append(UInt8(ascii: "\""))
    let isPlain = value.utf8.allSatisfy {
      $0 >= 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "$")
    }
    if isPlain {
      write(value)
    } else {
      for byte in value.utf8 { write(escaped: byte) }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func write(escaped byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): write("\\\"")
    case UInt8(ascii: "\\"): write("\\\\")
    case UInt8(ascii: "$"): write(escapes ? "$$" : "$")
    case UInt8(ascii: "\n"): write("\\n")
    case UInt8(ascii: "\r"): write("\\r")
    case UInt8(ascii: "\t"): write("\\t")
    case 0..<0x10: write("\\u000" + String(byte, radix: 16))
    case 0x10..<0x20, 0x7f: write("\\u00" + String(byte, radix: 16))
    default: bytes.append(byte)
    }
  }
}

extension String {
  /// With each `$` doubled, so that it stands for itself when the text is loaded.
  var doublingDollars: String {
    guard utf8.contains(UInt8(ascii: "$")) else { return self }
    return split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$")
  }
}
