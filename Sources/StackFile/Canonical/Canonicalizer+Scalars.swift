import StackModel

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
    case .integer(let range, let dropsFraction): return integer(node, text, type, range, dropsFraction)
    case .number: return number(node, text)
    case .bytes(let allowsUnlimited, let isNatural): return bytes(node, text, type, allowsUnlimited, isNatural)
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

  /// A number without quotes is a number before it is text: `1.10` is `1.1`, which is said.
  private func value(_ node: Node, _ text: String, _ type: ScalarType) -> Node {
    switch type {
    case .null, .wrong, .text: return node
    case .boolean: return Node(text: text.lowercased(), at: node.mark)
    case .integer, .real:
      let value = CoreSchema.text(ofNumber: text)
      if value != text {
        hold(
          .warning, node, "\(text) is the number \(value), and that is what \(path.name) becomes",
          hint: "write it in quotes if it is text: \"\(text)\"")
      }
      return Node(text: value, at: node.mark)
    }
  }

  private func boolean(_ node: Node, _ text: String) -> Node? {
    switch text.lowercased() {
    case "true", "yes", "on", "y": return Node(true, at: node.mark)
    case "false", "no", "off", "n": return Node(false, at: node.mark)
    default:
      let meant = ["1": "true", "t": "true", "0": "false", "f": "false"][text.lowercased()]
      hold(
        .error, node, "\(path.name) must be true or false, but this is \"\(text)\"",
        hint: meant.map { "write \($0)" } ?? report.suggestion(for: text, among: ["true", "false"]))
      return nil
    }
  }

  private func integer(
    _ node: Node, _ text: String, _ type: ScalarType, _ range: ClosedRange<Int64>, _ dropsFraction: Bool
  ) -> Node? {
    guard let value = Self.integer(text, type) ?? (dropsFraction ? truncated(node, text, type) : nil) else {
      hold(.error, node, "\(path.name) must be a whole number, but this is \"\(text)\"")
      return nil
    }
    guard range.contains(value) else {
      hold(.error, node, "\(path.name) \(value) is not in \(Self.text(range))")
      return nil
    }
    return Node(integer: value, at: node.mark)
  }

  /// The whole part of a number that is not in quotes.
  private func truncated(_ node: Node, _ text: String, _ type: ScalarType) -> Int64? {
    guard type == .real, let whole = CoreSchema.real(text).flatMap({ Int64(exactly: $0.rounded(.towardZero)) }) else {
      return nil
    }
    hold(
      .warning, node, "\(path.name) is a whole number: \(text) is taken for \(whole)", hint: "write \(whole)")
    return whole
  }

  private static func text(_ range: ClosedRange<Int64>) -> String {
    range.upperBound == .max ? "\(range.lowerBound) and more" : "\(range.lowerBound) to \(range.upperBound)"
  }

  /// In quotes, or out of a variable, only decimal; `1.0` is a whole number too.
  private static func integer(_ text: String, _ type: ScalarType) -> Int64? {
    switch type {
    case .integer: CoreSchema.integer(text)
    case .real: CoreSchema.real(text).flatMap(Int64.init(exactly:))
    case .null, .wrong, .boolean, .text: Int64(text)
    }
  }

  private func number(_ node: Node, _ text: String) -> Node? {
    guard let value = Double(text), value.isFinite, text.utf8.first != UInt8(ascii: "+") else {
      hold(
        .error, node, "\(path.name) must be a number, but this is \"\(text)\"", hint: "for example 0.5")
      return nil
    }
    if value < 0 {
      hold(
        report.refusalSeverity, node, "\(path.name) must be 0 or more, but this is \(text)", hint: "for example 0.5")
    }
    if let whole = Int64(exactly: value) { return Node(integer: whole, at: node.mark) }
    return Node(.scalar("\(value)", .real), at: node.mark)
  }

  private func bytes(
    _ node: Node, _ text: String, _ type: ScalarType, _ allowsUnlimited: Bool, _ isNatural: Bool
  ) -> Node? {
    if allowsUnlimited, text == "-1" { return Node(text: text, at: node.mark) }
    if !isNatural, let odd = oddSize(node, text, type) { return odd }
    let number = type == .text ? nil : Self.integer(text, type).flatMap(UInt64.init(exactly:))
    guard let size = number ?? (type == .real ? nil : ByteSize.parse(text)) else {
      hold(
        .error, node, "\(path.name) must be a size, but this is \"\(text)\"",
        hint: "a number of bytes, or a number with b, k, m or g, for example 512m")
      return nil
    }
    return Node(text: "\(size)", at: node.mark)
  }

  /// Numbers that docker compose takes, though no machine has so many bytes: negative ones, and parts of a byte, which it
  /// takes for nothing.
  private func oddSize(_ node: Node, _ text: String, _ type: ScalarType) -> Node? {
    if type == .integer, let number = CoreSchema.integer(text), number < 0 {
      hold(
        report.refusalSeverity, node, "\(path.name) must be a size, but \(number) is less than 0",
        hint: "for example 512m")
      return Node(text: "\(number)", at: node.mark)
    }
    guard type == .real, Self.integer(text, type) == nil, CoreSchema.real(text) != nil else { return nil }
    hold(
      report.refusalSeverity, node, "\(path.name) is a number of bytes, and \(text) is none: it says nothing",
      hint: "say which unit: \(text)m or \(text)g")
    return Node(text: "0", at: node.mark)
  }

  private func duration(_ node: Node, _ text: String, _ type: ScalarType) -> Node? {
    guard let nanoseconds = DurationText.parse(text) else {
      let isNumber = type == .integer || Int64(text) != nil
      let joined = text.filter { $0 != " " }
      hold(
        .error, node, "\(path.name) must be a duration, but this is \"\(text)\"",
        hint: isNumber
          ? "say which unit: \(text)s"
          : DurationText.parse(joined) == nil ? "numbers with h, m, s, ms or us, for example 1m30s" : "write \(joined)")
      return nil
    }
    return Node(text: DurationText.text(nanoseconds: nanoseconds), at: node.mark)
  }

  /// A plain number is decimal, as in docker compose, unless it begins with 0.
  private func fileMode(_ node: Node, _ text: String, _ type: ScalarType, _ isText: Bool) -> Node? {
    let isDecimal = type == .integer && !text.hasPrefix("0")
    let digits = text.hasPrefix("0o") ? text.dropFirst(2) : text[...]
    guard let mode = Int64(digits, radix: isDecimal ? 10 : 8), isText || UInt32(exactly: mode) != nil else {
      holdMode(.error, node, text)
      return nil
    }
    if !(0...0o7777).contains(mode) {
      holdMode(report.refusalSeverity, node, text)
    } else if isDecimal {
      hold(
        .warning, node, "\(text) is decimal: it means 0o\(String(mode, radix: 8))",
        hint: "write 0o\(text) if octal is meant")
    }
    return isText ? Node(text: "0" + String(mode, radix: 8), at: node.mark) : Node(integer: mode, at: node.mark)
  }

  private func holdMode(_ severity: Diagnostic.Severity, _ node: Node, _ text: String) {
    hold(
      severity, node, "\(path.name) must be permission bits, but this is \"\(text)\"",
      hint: "for example 0o1777; the most are 0o7777")
  }

  /// Says what is wrong with a value unless another file replaces it.
  private func hold(_ severity: Diagnostic.Severity, _ node: Node, _ message: String, hint: String? = nil) {
    report.hold(Finding(severity: severity, mark: node.mark, path: path.text, message: message, hint: hint))
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
