import StackModel

/// Diagnostics for people: the place, what is wrong, the line with a caret below it, and what to do.
package enum DiagnosticText {
  /// Ends with a line feed when there is anything to say.
  package static func render(_ diagnostics: [Diagnostic], color: Bool = false) -> String {
    var text = ""
    for diagnostic in diagnostics { text += render(diagnostic, color: color) + "\n" }
    return text
  }

  private static func render(_ diagnostic: Diagnostic, color: Bool) -> String {
    let paint = Paint(isOn: color)
    let kind = diagnostic.severity == .error ? paint.error("error") : paint.warning("warning")
    var text = paint.bold(place(diagnostic) + ": ") + kind + paint.bold(": " + diagnostic.message) + "\n"
    let number = "\(max(diagnostic.line, 1))"
    let gutter = String(repeating: " ", count: number.count + 1)
    if let source = diagnostic.source, diagnostic.column > 0 {
      let excerpt = Excerpt(source, column: diagnostic.column)
      text += paint.dim(" \(number) |") + " \(excerpt.line)\n"
      text += paint.dim("\(gutter) |") + " \(excerpt.indentation)"
      let marker = String(repeating: "^", count: excerpt.width)
      text += (diagnostic.severity == .error ? paint.error(marker) : paint.warning(marker)) + "\n"
    }
    for other in diagnostic.related {
      text += paint.dim("\(gutter) =") + " note: \(other.file):\(other.line):\(other.column): \(other.message)\n"
    }
    if let hint = diagnostic.hint { text += paint.dim("\(gutter) =") + " hint: \(hint)\n" }
    if let path = diagnostic.path { text += paint.dim("\(gutter) =") + " at \(path)\n" }
    return text
  }

  private static func place(_ diagnostic: Diagnostic) -> String {
    let file = diagnostic.file.isEmpty ? "stack" : diagnostic.file
    return diagnostic.line > 0 ? "\(file):\(diagnostic.line):\(max(1, diagnostic.column))" : file
  }

  /// A line of a file, cut to what fits, with what the caret needs.
  private struct Excerpt {
    var line: String
    /// As wide as what stands before the place: tabs stay tabs.
    var indentation: String
    var width: Int

    private static let maximum = 110

    init(_ source: String, column: Int) {
      // A terminal must not obey what stands in a file.
      let characters = source.unicodeScalars.map { scalar -> Character in
        let isControl = scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
        return isControl && scalar != "\t" ? "\u{fffd}" : Character(scalar)
      }
      let place = min(max(0, column - 1), characters.count)
      let start = place > Self.maximum * 3 / 4 ? place - Self.maximum / 2 : 0
      let end = min(characters.count, start + Self.maximum)
      line = (start > 0 ? "…" : "") + String(characters[start..<end]) + (end < characters.count ? "…" : "")
      indentation = (start > 0 ? " " : "") + String(characters[start..<place].map { $0 == "\t" ? "\t" : " " })
      width = max(1, Self.tokenWidth(characters[place..<end]))
    }

    /// Up to the blank or the sign that ends a word; a quoted text to its closing quote.
    private static func tokenWidth(_ rest: ArraySlice<Character>) -> Int {
      guard let first = rest.first else { return 1 }
      if first == "\"" || first == "'" {
        if let close = rest.dropFirst().firstIndex(of: first) { return close - rest.startIndex + 1 }
      }
      if first == "$", let close = rest.firstIndex(of: "}") { return close - rest.startIndex + 1 }
      var width = 0
      // Braces that the word itself opens belong to it: `${A}`.
      var open = 0
      for (offset, character) in rest.enumerated() {
        if character == " " || character == "\t" || character == "," || character == "]" { break }
        if character == "{" { open += 1 }
        if character == "}" {
          if open == 0 { break }
          open -= 1
        }
        let next = rest.startIndex + offset + 1
        if character == ":", next == rest.endIndex || rest[next] == " " { break }
        width += 1
      }
      return width
    }
  }

  private struct Paint {
    let isOn: Bool

    private func paint(_ text: String, _ code: String) -> String { isOn ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }

    func error(_ text: String) -> String { paint(text, "1;31") }
    func warning(_ text: String) -> String { paint(text, "1;33") }
    func bold(_ text: String) -> String { paint(text, "1") }
    func dim(_ text: String) -> String { paint(text, "34") }
  }
}
