/// The grammar of `.env` and of `env_file`: variables in the order of the file.
///
/// `NAME=value`, `export NAME=value`, `NAME: value`, or `NAME` alone, which takes the value from `lookup`. Values without
/// quotes end at ` #` and are interpolated; double quotes know escapes and are interpolated; single quotes are literal.
/// Quoted values may span lines.
struct EnvironmentFile {
  struct Variable: Equatable {
    var name: String
    var value: String
  }

  struct Problem: Equatable {
    /// From 1.
    var line: Int
    var message: String
    var hint: String?
  }

  private(set) var variables: [Variable] = []
  private(set) var problems: [Problem] = []

  private var rest: ArraySlice<UInt8>
  private var line = 1
  private let lookup: (String) -> String?
  private var known: [String: Int] = [:]

  /// `lookup` wins over the variables of the file itself.
  init(_ bytes: [UInt8], lookup: @escaping (String) -> String?) {
    rest = SourceText(name: "", bytes: bytes).bytes[...]
    self.lookup = lookup
    while !rest.isEmpty { readLine() }
  }

  /// `format: raw`: lines `NAME=VALUE`, the value as it is written; empty lines and comments count for nothing.
  static func raw(_ bytes: [UInt8]) -> [Variable] {
    SourceText(name: "", bytes: bytes).bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let line = trimmed(line)
      guard line.first != UInt8(ascii: "#"), let separator = line.firstIndex(of: UInt8(ascii: "=")) else { return nil }
      return Variable(name: text(line[..<separator]), value: text(line[(separator + 1)...]))
    }
  }

  private mutating func readLine() {
    skipBlanks()
    let start = line
    switch rest.first {
    case nil: return
    case UInt8(ascii: "\n"): return advance()
    case UInt8(ascii: "#"): return skipLine()
    default: break
    }
    let statement = rest.prefix { $0 != UInt8(ascii: "\n") }
    let separator = statement.firstIndex { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: ":") }
    var nameBytes = Self.trimmed(statement[statement.startIndex..<(separator ?? statement.endIndex)])
    if separator == nil, let comment = nameBytes.firstIndex(of: UInt8(ascii: "#")) {
      nameBytes = Self.trimmed(nameBytes[nameBytes.startIndex..<comment])
    }
    let export = Array("export".utf8)
    if nameBytes.starts(with: export), let blank = nameBytes.dropFirst(export.count).first, Self.isBlank(blank) {
      nameBytes = Self.trimmed(nameBytes.dropFirst(export.count))
    }
    let name = String(decoding: nameBytes, as: UTF8.self)
    guard nameBytes.allSatisfy(Self.isNamePart) else {
      problems.append(
        Problem(
          line: start, message: "\"\(name)\" is not a variable name",
          hint: separator == nil
            ? "a line is NAME=value, a comment begins with #" : "a value of several lines must be in quotes"))
      return skipLine()
    }
    guard let separator else {
      skipLine()
      if let value = value(of: name) { set(name, value) }
      return
    }
    let blanks = rest[(separator + 1)...].prefix(while: Self.isBlank)
    rest = rest[blanks.endIndex...]
    readValue(of: name, from: start, after: blanks.last ?? UInt8(ascii: "="))
  }

  private mutating func readValue(of name: String, from start: Int, after separator: UInt8) {
    guard let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      set(name, unquoted(after: separator))
      return
    }
    guard let text = quoted(by: quote) else {
      problems.append(
        Problem(line: start, message: "the value of \(name) has an opening quote, but no closing one"))
      return
    }
    skipLine()
    set(name, quote == UInt8(ascii: "'") ? Self.text(text) : expanded(escapes: text))
  }

  /// Ends at a `#` that follows a blank, or at the end of the line.
  private mutating func unquoted(after separator: UInt8) -> String {
    let all = rest.prefix { $0 != UInt8(ascii: "\n") }
    var end = all.startIndex
    var previous = separator
    while end < all.endIndex, all[end] != UInt8(ascii: "#") || !Self.isBlank(previous) {
      previous = all[end]
      end += 1
    }
    let value = Self.trimmed(all[all.startIndex..<end])
    skipLine()
    return expand(Self.text(value))
  }

  /// The bytes between the quotes, escapes kept; nil when the quote is never closed.
  private mutating func quoted(by quote: UInt8) -> [UInt8]? {
    var result: [UInt8] = []
    var index = rest.startIndex + 1
    while index < rest.endIndex {
      let byte = rest[index]
      if byte == quote {
        rest = rest[(index + 1)...]
        line += result.count { $0 == UInt8(ascii: "\n") }
        return result
      }
      if byte == UInt8(ascii: "\\"), index + 1 < rest.endIndex {
        if quote == UInt8(ascii: "'"), rest[index + 1] == quote {
          result.append(quote)
        } else {
          result += [byte, rest[index + 1]]
        }
        index += 2
      } else {
        result.append(byte)
        index += 1
      }
    }
    rest = rest[rest.endIndex...]
    return nil
  }

  /// The escapes of double quotes; an escaped `$` does not begin a reference.
  private mutating func expanded(escapes text: [UInt8]) -> String {
    let known: [UInt8: UInt8] = [
      UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "t"): 9, UInt8(ascii: "n"): 10, UInt8(ascii: "v"): 11,
      UInt8(ascii: "f"): 12, UInt8(ascii: "r"): 13, UInt8(ascii: "\""): UInt8(ascii: "\""),
      UInt8(ascii: "\\"): UInt8(ascii: "\\"),
    ]
    var result: [UInt8] = []
    var index = 0
    while index < text.count {
      guard text[index] == UInt8(ascii: "\\"), index + 1 < text.count else {
        result.append(text[index])
        index += 1
        continue
      }
      let escaped = text[index + 1]
      if escaped == UInt8(ascii: "$") {
        result += Array("$$".utf8)
      } else if let byte = known[escaped] {
        result.append(byte)
      } else {
        result += [UInt8(ascii: "\\"), escaped]
      }
      index += 2
    }
    return expand(Self.text(result))
  }

  private mutating func expand(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
    var template = Template { [lookup, known, variables] name in
      lookup(name) ?? known[name].map { variables[$0].value }
    }
    let result = template.expand(text)
    for found in template.found {
      switch found.problem {
      case .unset: continue
      case .required(let name, let message):
        problems.append(
          Problem(
            line: line, message: "required variable \(name) is missing a value\(message.isEmpty ? "" : ": " + message)")
        )
      case .malformed, .tooDeep:
        problems.append(
          Problem(
            line: line, message: "\(found.reference) is not a variable reference",
            hint: "write $$ or single quotes if a dollar sign is meant"))
      }
    }
    return result
  }

  private func value(of name: String) -> String? { lookup(name) ?? known[name].map { variables[$0].value } }

  private mutating func set(_ name: String, _ value: String) {
    if let index = known[name] {
      variables[index].value = value
    } else {
      known[name] = variables.count
      variables.append(Variable(name: name, value: value))
    }
  }

  // MARK: Bytes

  private mutating func advance() {
    if rest.first == UInt8(ascii: "\n") { line += 1 }
    rest = rest.dropFirst()
  }

  private mutating func skipBlanks() { rest = rest.drop(while: Self.isBlank) }

  private mutating func skipLine() {
    rest = rest.drop { $0 != UInt8(ascii: "\n") }
    advance()
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    Template.isNamePart(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "[")
      || byte == UInt8(ascii: "]")
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes.drop(while: isBlank)
    while let last = bytes.last, isBlank(last) { bytes = bytes.dropLast() }
    return bytes
  }

  private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
