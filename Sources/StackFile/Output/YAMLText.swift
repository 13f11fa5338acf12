/// A tree as YAML, two spaces a level. Text that could be read as anything else is in double quotes.
struct YAMLText {
  private var bytes: [UInt8] = []
  /// Whether `$` is doubled.
  private let escapes: Bool

  static func text(of node: Node, escapes: Bool = false) -> String {
    var text = YAMLText(escapes: escapes)
    switch node.content {
    case .mapping(let members) where !members.isEmpty: text.write(members, indentation: 0)
    case .sequence(let items) where !items.isEmpty: text.write(items, indentation: 0)
    default:
      text.write(text.flat(node))
      text.write("\n")
    }
    return String(decoding: text.bytes, as: UTF8.self)
  }

  private init(escapes: Bool) {
    self.escapes = escapes
  }

  private mutating func write(_ text: String) { bytes.append(contentsOf: text.utf8) }

  private mutating func indent(_ count: Int) {
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: count))
  }

  private mutating func write(_ members: [Node.Member], indentation: Int) {
    for index in members.indices {
      // The first key of a list item stands in the line of its "- ".
      if index > 0 || bytes.isEmpty || bytes.last == UInt8(ascii: "\n") { indent(indentation) }
      let key = members[index].key
      write(Self.scalar(escapes ? key.doublingDollars : key))
      write(":")
      writeValue(members[index].value, indentation: indentation)
    }
  }

  private mutating func write(_ items: [Node], indentation: Int) {
    for item in items {
      indent(indentation)
      write("- ")
      switch item.content {
      case .mapping(let members) where !members.isEmpty:
        write(members, indentation: indentation + 2)
      case .sequence(let inner) where !inner.isEmpty:
        bytes.removeLast()
        write("\n")
        write(inner, indentation: indentation + 2)
      default:
        write(flat(item))
        write("\n")
      }
    }
  }

  private mutating func writeValue(_ node: Node, indentation: Int) {
    switch node.content {
    case .mapping(let members) where !members.isEmpty:
      write("\n")
      write(members, indentation: indentation + 2)
    case .sequence(let items) where !items.isEmpty:
      write("\n")
      write(items, indentation: indentation + 2)
    default:
      write(" ")
      write(flat(node))
      write("\n")
    }
  }

  private func flat(_ node: Node) -> String {
    switch node.content {
    case .mapping: "{}"
    case .sequence: "[]"
    case .scalar(_, .null), .scalar(_, .wrong): "null"
    case .scalar(let value, .text): Self.scalar(escapes ? value.doublingDollars : value)
    case .scalar(let value, .boolean): value.lowercased()
    case .scalar(let value, .integer), .scalar(let value, .real): value
    }
  }

  /// Words that YAML 1.1 readers take for true, false or nothing.
  private static let reserved: Set<String> = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "",
  ]

  static func scalar(_ value: String) -> String {
    isPlain(value) ? value : JSONText.quoted(value)
  }

  private static func isPlain(_ value: String) -> Bool {
    if value.utf8.count <= 5, reserved.contains(value.lowercased()) { return false }
    guard CoreSchema.type(ofPlain: value) == .text else { return false }
    guard let first = value.utf8.first, let last = value.utf8.last else { return false }
    // A number of YAML 1.1, `22:22` and `1_000`, begins with a digit and has nothing but these.
    if value.utf8.allSatisfy({
      (0x30...0x39).contains($0) || $0 == 0x3a || $0 == 0x2e || $0 == 0x5f || $0 == 0x2b || $0 == 0x2d
    }) {
      return false
    }
    guard
      Template.isNamePart(first) || first == UInt8(ascii: "/") || first == UInt8(ascii: ".")
        || first == UInt8(ascii: "$")
    else { return false }
    if last == UInt8(ascii: " ") || last == UInt8(ascii: ":") { return false }
    var previous: UInt8 = 0
    for byte in value.utf8 {
      if byte < 0x20 || byte >= 0x7f { return false }
      if byte == UInt8(ascii: "#"), previous == UInt8(ascii: " ") { return false }
      if byte == UInt8(ascii: " "), previous == UInt8(ascii: ":") { return false }
      previous = byte
    }
    return true
  }
}
