/// Resolution of plain scalars: the core schema of YAML 1.2 (section 10.3.2), with the numbers that docker compose's
/// reader also takes for numbers: `010` is octal, `0b11` binary, and `1_000` a thousand.
///
/// `yes`, `no`, `on`, `off` and `22:22` are text here, other than in YAML 1.1.
enum CoreSchema {
  static func type(ofPlain text: String) -> ScalarType {
    guard let first = text.utf8.first else { return .null }
    switch first {
    case UInt8(ascii: "~"): return text == "~" ? .null : .text
    case UInt8(ascii: "n"), UInt8(ascii: "N"):
      return text == "null" || text == "Null" || text == "NULL" ? .null : .text
    case UInt8(ascii: "t"), UInt8(ascii: "T"):
      return text == "true" || text == "True" || text == "TRUE" ? .boolean : .text
    case UInt8(ascii: "f"), UInt8(ascii: "F"):
      return text == "false" || text == "False" || text == "FALSE" ? .boolean : .text
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      return numberType(text)
    default: return .text
    }
  }

  /// Most of what begins with a digit is no number, such as ports and versions: seen from its signs alone.
  private static func numberType(_ text: String) -> ScalarType {
    let isCandidate = text.utf8.allSatisfy {
      isDigit($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == UInt8(ascii: ".")
        || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "_")
    }
    guard isCandidate else { return .text }
    if integer(text) != nil { return .integer }
    return real(text) == nil ? .text : .real
  }

  /// The value of a plain integer: decimal, or with the prefix `0x`, `0o`, `0` or `0b`.
  static func integer(_ text: String) -> Int64? {
    var rest = withoutUnderscores(text)[...]
    let sign = rest.utf8.first
    let isSigned = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
    if isSigned { rest = rest.dropFirst() }
    guard let first = rest.utf8.first, isDigit(first) else { return nil }
    var radix = 10
    if first == UInt8(ascii: "0"), rest.utf8.count > 1 {
      switch rest.utf8.dropFirst().first {
      case UInt8(ascii: "x"), UInt8(ascii: "X"): radix = 16
      case UInt8(ascii: "b"), UInt8(ascii: "B"): radix = 2
      default: radix = 8
      }
      let hasOctalPrefix = rest.hasPrefix("0o") || rest.hasPrefix("0O")
      rest = rest.dropFirst(radix == 8 && !hasOctalPrefix ? 1 : 2)
      guard let digit = rest.utf8.first, digit != UInt8(ascii: "-"), digit != UInt8(ascii: "+") else { return nil }
    }
    return Int64(sign == UInt8(ascii: "-") ? "-" + rest : String(rest), radix: radix)
  }

  /// The value of a plain number that is no integer, `.inf` and `.nan` included.
  static func real(_ text: String) -> Double? {
    switch text {
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
    case "-.inf", "-.Inf", "-.INF": return -.infinity
    case ".nan", ".NaN", ".NAN": return .nan
    default: break
    }
    let text = withoutUnderscores(text)
    var rest = Array(text.utf8)[...]
    if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
    let whole = rest.prefix(while: isDigit)
    rest = rest.dropFirst(whole.count)
    var digits = whole.count
    if rest.first == UInt8(ascii: ".") {
      let fraction = rest.dropFirst().prefix(while: isDigit)
      digits += fraction.count
      rest = rest.dropFirst(1 + fraction.count)
    }
    guard digits > 0 else { return nil }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
      guard let first = rest.first, isDigit(first) else { return nil }
      rest = rest.drop(while: isDigit)
    }
    guard rest.isEmpty, let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// How docker compose writes a number where text is wanted: `1.50` is `1.5`, `010` is `8`, `1e6` is `1e+06`.
  static func text(ofNumber text: String) -> String {
    if let integer = integer(text) { return "\(integer)" }
    return real(text).map(Self.text(ofReal:)) ?? text
  }

  /// The shortest digits that mean the number, with an exponent from a million upwards and below a ten-thousandth.
  private static func text(ofReal value: Double) -> String {
    if value.isNaN { return "NaN" }
    let sign = value.sign == .minus ? "-" : ""
    if value.isInfinite { return sign.isEmpty ? "+Inf" : "-Inf" }
    // Swift's description has the same digits; only where the point stands differs.
    let parts = value.magnitude.description.split(separator: "e")
    let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
    let all = mantissa.joined()
    var point = (mantissa.first?.utf8.count ?? 0) + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    var digits = all.drop { $0 == "0" }
    point -= all.utf8.count - digits.utf8.count
    while digits.last == "0" { digits.removeLast() }
    guard let first = digits.first else { return sign + "0" }
    let exponent = point - 1
    if exponent < -4 || exponent >= 6 {
      let rest = digits.dropFirst()
      let power = exponent.magnitude < 10 ? "0\(exponent.magnitude)" : "\(exponent.magnitude)"
      return "\(sign)\(first)\(rest.isEmpty ? "" : ".")\(rest)e\(exponent < 0 ? "-" : "+")\(power)"
    }
    if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
    let missing = String(repeating: "0", count: max(0, point - digits.utf8.count))
    let fraction = digits.dropFirst(point)
    return sign + digits.prefix(point) + missing + (fraction.isEmpty ? "" : "." + fraction)
  }

  private static func withoutUnderscores(_ text: String) -> String {
    text.utf8.contains(UInt8(ascii: "_")) ? text.filter { $0 != "_" } : text
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
