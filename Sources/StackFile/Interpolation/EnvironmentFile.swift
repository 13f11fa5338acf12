/// The grammar of `.env` and of `env_file`: variables in the order of the file.
///
/// `NAME=value`, `export NAME=value`, `NAME: value`, or `NAME` alone, which takes the value that it has elsewhere. Values
/// without quotes end at ` #` and are interpolated; double quotes know escapes and are interpolated; single quotes are
/// literal. Quoted values may span lines.
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
  private let outer: Outer
  private var known: [String: Int] = [:]

  /// Variables that are not of the file.
  struct Outer {
    /// Those that win over the file's own, most often the caller's.
    var winning: (String) -> String?
    /// Those of earlier files, which the file's own win over.
    var earlier: (String) -> String?

    init(winning: @escaping (String) -> String? = { _ in nil }, earlier: @escaping (String) -> String? = { _ in nil }) {
      self.winning = winning
      self.earlier = earlier
    }
  }

  init(_ bytes: [UInt8], outer: Outer) {
    rest = SourceText(name: "", bytes: bytes).bytes[...]
    self.outer = outer
    while !rest.isEmpty { readLine() }
  }

  /// `format: raw`: lines `NAME=VALUE`, the value as it is written, or `NAME`; empty lines and comments count for nothing.
  init(raw bytes: [UInt8], outer: Outer) {
    rest = SourceText(name: "", bytes: bytes).bytes[...]
    self.outer = outer
    for line in rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      readRaw(line.last == UInt8(ascii: "\r") ? line.dropLast() : line)
      self.line += 1
    }
  }

  private mutating func readRaw(_ line: ArraySlice<UInt8>) {
    let line = line.drop(while: Self.isBlank)
    guard let first = line.first, first != UInt8(ascii: "#") else { return }
    let separator = line.firstIndex(of: UInt8(ascii: "="))
    let nameBytes = line[..<(separator ?? line.endIndex)]
    let name = Self.text(nameBytes)
    if nameBytes.isEmpty || nameBytes.contains(where: Self.isBlank) {
      problems.append(
        Problem(
          line: self.line, message: "\"\(name)\" is not a variable name",
          hint: "with format: raw a line is NAME=value, without blanks around the ="))
    } else if let separator {
      set(name, Self.text(line[(separator + 1)...]))
    } else if let value = value(of: name) {
      set(name, value)
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
    rest = rest[(separator + 1)...].drop(while: Self.isBlank)
    readValue(of: name, from: start)
  }

  private mutating func readValue(of name: String, from start: Int) {
    guard let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
      set(name, unquoted())
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

  /// Ends at a `#` that follows a blank of the value, or at the end of the line.
  private mutating func unquoted() -> String {
    let all = rest.prefix { $0 != UInt8(ascii: "\n") }
    var end = all.startIndex
    var previous = UInt8(ascii: "=")
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
      } else if escaped == UInt8(ascii: "0") {
        let digits = text[(index + 2)...].prefix(3).prefix { (0x30...0x37).contains($0) }
        result += String(UnicodeScalar(UInt8(truncatingIfNeeded: Int(Self.text(digits), radix: 8) ?? 0))).utf8
        index += digits.count
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
    var template = Template { [self] name in value(of: name) }
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

  private func value(of name: String) -> String? {
    outer.winning(name) ?? known[name].map { variables[$0].value } ?? outer.earlier(name)
  }

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
    byte == UInt8(ascii: " ") || (0x09...0x0d).contains(byte) && byte != UInt8(ascii: "\n")
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    Template.isNamePart(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "[")
      || byte == UInt8(ascii: "]") || byte >= 0x80
  }

  private static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes.drop(while: isBlank)
    while let last = bytes.last {
      if isBlank(last) {
        bytes = bytes.dropLast()
      } else if bytes.suffix(2).elementsEqual(noBreakSpace) {
        bytes = bytes.dropLast(2)
      } else {
        break
      }
    }
    return bytes
  }

  /// It comes along with what is copied out of a page, and nobody sees it.
  private static let noBreakSpace = Array("\u{a0}".utf8)

  private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
