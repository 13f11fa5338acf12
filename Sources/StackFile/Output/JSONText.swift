/// A tree as JSON (RFC 8259), two spaces a level.
enum JSONText {
  static func text(of node: Node) -> String {
    var text = ""
    write(node, indentation: 0, into: &text)
    return text + "\n"
  }

  private static func write(_ node: Node, indentation: Int, into text: inout String) {
    let inner = String(repeating: " ", count: indentation + 2)
    let outer = String(repeating: " ", count: indentation)
    switch node.content {
    case .scalar(let value, let type): text += scalar(value, type)
    case .sequence(let items) where items.isEmpty: text += "[]"
    case .sequence(let items):
      for (index, item) in items.enumerated() {
        text += (index == 0 ? "[\n" : ",\n") + inner
        write(item, indentation: indentation + 2, into: &text)
      }
      text += "\n\(outer)]"
    case .mapping(let members) where members.isEmpty: text += "{}"
    case .mapping(let members):
      for (index, member) in members.enumerated() {
        text += (index == 0 ? "{\n" : ",\n") + inner + quoted(member.key) + ": "
        write(member.value, indentation: indentation + 2, into: &text)
      }
      text += "\n\(outer)}"
    }
  }

  private static func scalar(_ value: String, _ type: ScalarType) -> String {
    switch type {
    case .null, .wrong: "null"
    case .boolean: value.lowercased()
    case .integer: Canonicalizer.integer(value).map { "\($0)" } ?? quoted(value)
    case .real: Double(value).flatMap { $0.isFinite ? "\($0)" : nil } ?? quoted(value)
    case .text: quoted(value)
    }
  }

  static func quoted(_ value: String) -> String {
    var text = "\""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default:
        if scalar.value < 0x20 || scalar.value == 0x7f {
          let digits = String(scalar.value, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          text.unicodeScalars.append(scalar)
        }
      }
    }
    return text + "\""
  }
}
