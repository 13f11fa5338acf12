/// A JSON value that is printed as it was put together: members keep their order.
enum JSONText {
  case string(String)
  case number(Int64)
  case bool(Bool)
  case null
  case array([JSONText])
  case object([(String, JSONText)])

  static func strings(_ values: [String]) -> JSONText { .array(values.map(JSONText.string)) }
  static func optional(_ value: String?) -> JSONText { value.map(JSONText.string) ?? .null }

  /// On one line.
  var compact: String {
    switch self {
    case .string(let value): Self.quoted(value)
    case .number(let value): String(value)
    case .bool(let value): String(value)
    case .null: "null"
    case .array(let values): "[" + values.map(\.compact).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { "\(Self.quoted($0.0)):\($0.1.compact)" }.joined(separator: ",") + "}"
    }
  }

  /// Over several lines, two spaces a level.
  func indented(_ level: Int = 0) -> String {
    let inner = String(repeating: "  ", count: level + 1)
    let outer = String(repeating: "  ", count: level)
    switch self {
    case .array(let values) where !values.isEmpty:
      return "[\n" + values.map { inner + $0.indented(level + 1) }.joined(separator: ",\n") + "\n\(outer)]"
    case .object(let members) where !members.isEmpty:
      let lines = members.map { "\(inner)\(Self.quoted($0.0)): \($0.1.indented(level + 1))" }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(outer)}"
    case .array, .object, .string, .number, .bool, .null:
      return compact
    }
  }

  /// A JSON string (RFC 8259, section 7).
  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case let control where control.value < 0x20:
        let digits = String(control.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
