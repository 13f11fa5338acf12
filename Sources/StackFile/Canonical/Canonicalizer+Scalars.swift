extension Canonicalizer {
  mutating func scalar(_ node: Node, _ shape: Shape) -> Node? {
    guard case .scalar(let text, let type) = node.content else { return nil }
    switch shape {
    case .text: return self.text(node, text, type)
    case .name: return name(node, text, type)
    case .textOrNumber:
      guard type != .boolean else {
        mismatch(node, shape)
        return nil
      }
      return Node(text: text, at: node.mark)
    case .textOrBoolean: return Node(text: type == .boolean ? text.lowercased() : text, at: node.mark)
    case .value: return value(node, text, type)
    case .boolean: return boolean(node, text)
    case .integer(let range): return integer(node, text, range)
    case .number: return number(node, text)
    case .bytes(let allowsUnlimited): return bytes(node, text, allowsUnlimited)
    case .duration: return duration(node, text, type)
    case .fileMode(let isText): return fileMode(node, text, type, isText)
    case .choice(let names): return choice(node, text, names)
    default: return node
    }
  }

  private func text(_ node: Node, _ text: String, _ type: ScalarType) -> Node? {
    guard type == .text else {
      let what = type == .boolean ? "true or false" : "a number"
      report.error(
        node.mark, path.text, "\(path.name) must be text, but \(text) is \(what)",
        hint: "write it in quotes: \"\(text)\"")
      return nil
    }
    return node
  }

  private func name(_ node: Node, _ text: String, _ type: ScalarType) -> Node? {
    guard !text.isEmpty else {
      report.error(node.mark, path.text, "\(path.name) is empty", hint: "give it a value, or remove the key")
      return nil
    }
    return self.text(node, text, type)
  }

  /// Numbers keep the digits that the file has; where docker compose would not, that is said.
  private func value(_ node: Node, _ text: String, _ type: ScalarType) -> Node {
    switch type {
    case .null, .wrong: return node
    case .boolean: return Node(text: text.lowercased(), at: node.mark)
    case .text: return node
    case .integer:
      let isPlain = text == "0" || !(text.hasPrefix("0") || text.hasPrefix("-0") || text.hasPrefix("+"))
      if !isPlain { warnAboutNumber(node, text) }
    case .real:
      let isPlain = Double(text).map { "\($0)" == text && !text.hasSuffix(".0") } ?? false
      if !isPlain { warnAboutNumber(node, text) }
    }
    return Node(text: text, at: node.mark)
  }

  private func warnAboutNumber(_ node: Node, _ text: String) {
    report.warning(
      node.mark, path.text, "\(text) is used as it is written; docker compose would write the number differently",
      hint: "write it in quotes, \"\(text)\", to mean the same everywhere")
  }

  private func boolean(_ node: Node, _ text: String) -> Node? {
    switch text.lowercased() {
    case "true", "yes", "on", "y", "t", "1": return Node(true, at: node.mark)
    case "false", "no", "off", "n", "f", "0": return Node(false, at: node.mark)
    default:
      report.error(
        node.mark, path.text, "\(path.name) must be true or false, but this is \"\(text)\"",
        hint: report.suggestion(for: text, among: ["true", "false"]))
      return nil
    }
  }

  private func integer(_ node: Node, _ text: String, _ range: ClosedRange<Int64>) -> Node? {
    guard let value = Self.integer(text) else {
      report.error(node.mark, path.text, "\(path.name) must be a whole number, but this is \"\(text)\"")
      return nil
    }
    guard range.contains(value) else {
      report.error(node.mark, path.text, "\(path.name) \(value) is not in \(Self.text(range))")
      return nil
    }
    return Node(integer: value, at: node.mark)
  }

  private static func text(_ range: ClosedRange<Int64>) -> String {
    range.upperBound == .max ? "\(range.lowerBound) and more" : "\(range.lowerBound) to \(range.upperBound)"
  }

  /// Decimal, `0o17` and `0x1f`.
  static func integer(_ text: String) -> Int64? {
    if text.hasPrefix("0o") { return Int64(text.dropFirst(2), radix: 8) }
    if text.hasPrefix("0x") { return Int64(text.dropFirst(2), radix: 16) }
    return Int64(text)
  }

  private func number(_ node: Node, _ text: String) -> Node? {
    guard let value = Double(text), value.isFinite, value >= 0, text.utf8.first != UInt8(ascii: "+") else {
      report.error(
        node.mark, path.text, "\(path.name) must be a number of 0 or more, but this is \"\(text)\"",
        hint: "for example 0.5")
      return nil
    }
    if let whole = Int64(exactly: value) { return Node(integer: whole, at: node.mark) }
    return Node(.scalar("\(value)", .real), at: node.mark)
  }

  private func bytes(_ node: Node, _ text: String, _ allowsUnlimited: Bool) -> Node? {
    if allowsUnlimited, text == "-1" { return Node(text: text, at: node.mark) }
    guard let size = ByteSize.parse(text) else {
      report.error(
        node.mark, path.text, "\(path.name) must be a size, but this is \"\(text)\"",
        hint: "a number of bytes, or a number with b, k, m or g, for example 512m")
      return nil
    }
    return Node(text: "\(size)", at: node.mark)
  }

  private func duration(_ node: Node, _ text: String, _ type: ScalarType) -> Node? {
    guard let nanoseconds = DurationText.parse(text) else {
      let isNumber = type == .integer || Int64(text) != nil
      report.error(
        node.mark, path.text, "\(path.name) must be a duration, but this is \"\(text)\"",
        hint: isNumber ? "say which unit: \(text)s" : "numbers with h, m, s, ms or us, for example 1m30s")
      return nil
    }
    return Node(text: DurationText.text(nanoseconds: nanoseconds), at: node.mark)
  }

  /// A plain number is decimal, as in docker compose, unless it begins with 0.
  private func fileMode(_ node: Node, _ text: String, _ type: ScalarType, _ isText: Bool) -> Node? {
    let isDecimal = type == .integer && !text.hasPrefix("0")
    let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
    guard let mode = UInt32(digits, radix: isDecimal ? 10 : 8), mode <= 0o7777 else {
      report.error(
        node.mark, path.text, "\(path.name) must be permission bits, but this is \"\(text)\"",
        hint: "for example 0o1777")
      return nil
    }
    if isDecimal {
      report.warning(
        node.mark, path.text, "\(text) is decimal: it means 0o\(String(mode, radix: 8))",
        hint: "write 0o\(text) if octal is meant")
    }
    return isText ? Node(text: "0" + String(mode, radix: 8), at: node.mark) : Node(integer: mode, at: node.mark)
  }

  private func choice(_ node: Node, _ text: String, _ names: [String]) -> Node? {
    guard names.contains(text) else {
      report.error(
        node.mark, path.text, "\(path.name) must be \(Shape.choice(names).expectation), but this is \"\(text)\"",
        hint: report.suggestion(for: text, among: names))
      return nil
    }
    return Node(text: text, at: node.mark)
  }
}
