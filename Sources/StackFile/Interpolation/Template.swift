/// Interpolation of one text (Compose Specification, section Interpolation).
///
/// `$V`, `${V}`, `${V:-d}`, `${V-d}`, `${V:?e}`, `${V?e}`, `${V:+r}`, `${V+r}`, with templates inside d, e and r, and
/// `$$` for a dollar sign. A `$` before anything else stands for itself. What is not used is not evaluated.
struct Template {
  enum Problem: Equatable {
    /// An empty text is used.
    case unset(name: String)
    /// `?` and `:?`.
    case required(name: String, message: String)
    case malformed
    case tooDeep
  }

  /// A problem with the text that caused it, such as `${V}`.
  struct Found: Equatable {
    var problem: Problem
    var reference: String
  }

  private let lookup: (String) -> String?
  /// A variable that is not set is found once.
  private(set) var found: [Found] = []
  private var unset: Set<String> = []
  /// Whether `references` is filled, with what is not used too.
  var collectsReferences = false
  private(set) var references: [VariableReference] = []

  private static let maximumDepth = 50

  init(lookup: @escaping (String) -> String?) {
    self.lookup = lookup
  }

  mutating func expand(_ text: String) -> String {
    String(decoding: expand(Array(text.utf8)[...], depth: 0), as: UTF8.self)
  }

  private mutating func expand(_ text: ArraySlice<UInt8>, depth: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var rest = text
    while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
      result += rest[rest.startIndex..<dollar]
      rest = rest[(dollar + 1)...]
      guard let next = rest.first else { return result + [UInt8(ascii: "$")] }
      if next == UInt8(ascii: "$") {
        result.append(next)
        rest = rest.dropFirst()
      } else if next == UInt8(ascii: "{") {
        guard let end = Self.closingBrace(rest) else {
          add(.malformed, rest[...], from: dollar, in: text)
          return result
        }
        result += braced(rest[(rest.startIndex + 1)..<end], reference: text[dollar...end], depth: depth)
        rest = rest[(end + 1)...]
      } else if Self.isNameStart(next) {
        let name = rest.prefix(while: Self.isNamePart)
        if collectsReferences { collect(name, []) }
        result += value(name, reference: text[dollar..<name.endIndex])
        rest = rest[name.endIndex...]
      } else {
        result.append(UInt8(ascii: "$"))
      }
    }
    return result + rest
  }

  /// `text` begins with a brace; braces inside count, so that JSON can be a default.
  private static func closingBrace(_ text: ArraySlice<UInt8>) -> Int? {
    var open = 0
    for index in text.indices {
      if text[index] == UInt8(ascii: "{") { open += 1 }
      if text[index] == UInt8(ascii: "}") {
        open -= 1
        if open == 0 { return index }
      }
    }
    return nil
  }

  private mutating func braced(_ body: ArraySlice<UInt8>, reference: ArraySlice<UInt8>, depth: Int) -> [UInt8] {
    guard depth < Self.maximumDepth else {
      add(.tooDeep, reference)
      return []
    }
    guard let first = body.first, Self.isNameStart(first) else {
      add(.malformed, reference)
      return []
    }
    let name = body.prefix(while: Self.isNamePart)
    if collectsReferences { collect(name, body[name.endIndex...]) }
    var rest = body[name.endIndex...]
    guard !rest.isEmpty else { return value(name, reference: reference) }
    let ignoresEmpty = rest.first == UInt8(ascii: ":")
    if ignoresEmpty { rest = rest.dropFirst() }
    let known = lookup(Self.text(name))
    let current = ignoresEmpty && known?.isEmpty == true ? nil : known
    let argument = rest.dropFirst()
    switch rest.first {
    case UInt8(ascii: "-"): return current.map { Array($0.utf8) } ?? expand(argument, depth: depth + 1)
    case UInt8(ascii: "+"): return current == nil ? [] : expand(argument, depth: depth + 1)
    case UInt8(ascii: "?"):
      if let current { return Array(current.utf8) }
      let message = Self.text(expand(argument, depth: depth + 1))
      add(.required(name: Self.text(name), message: message), reference)
      return []
    default:
      add(.malformed, reference)
      return []
    }
  }

  private mutating func collect(_ name: ArraySlice<UInt8>, _ rest: ArraySlice<UInt8>) {
    let operation = rest.first == UInt8(ascii: ":") ? rest.dropFirst() : rest
    let argument = Self.text(operation.dropFirst())
    var reference = VariableReference(name: Self.text(name))
    switch operation.first {
    case UInt8(ascii: "?"): reference.isRequired = true
    case UInt8(ascii: "-"): reference.defaultValue = argument
    case UInt8(ascii: "+"): reference.alternateValue = argument
    default: break
    }
    if let known = references.firstIndex(where: { $0.name == reference.name }) {
      references[known].isRequired = references[known].isRequired || reference.isRequired
      references[known].defaultValue = references[known].defaultValue ?? reference.defaultValue
      references[known].alternateValue = references[known].alternateValue ?? reference.alternateValue
    } else {
      references.append(reference)
    }
  }

  private mutating func value(_ name: ArraySlice<UInt8>, reference: ArraySlice<UInt8>) -> [UInt8] {
    let name = Self.text(name)
    if let value = lookup(name) { return Array(value.utf8) }
    if unset.insert(name).inserted { add(.unset(name: name), reference) }
    return []
  }

  private mutating func add(_ problem: Problem, _ reference: ArraySlice<UInt8>) {
    found.append(Found(problem: problem, reference: Self.text(reference)))
  }

  private mutating func add(
    _ problem: Problem, _ rest: ArraySlice<UInt8>, from dollar: Int, in text: ArraySlice<UInt8>
  ) {
    add(problem, text[dollar..<min(rest.endIndex, dollar + 40)])
  }

  private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

  static func isNameStart(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "_") || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }

  static func isNamePart(_ byte: UInt8) -> Bool { isNameStart(byte) || (0x30...0x39).contains(byte) }
}
