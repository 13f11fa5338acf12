/// A syntax error in words that say what to change, made from libyaml's problem and the lines around it.
struct SyntaxProblem {
  private(set) var mark: Mark
  private(set) var message: String
  private(set) var hint: String?

  private let failure: YAMLFailure
  private let file: SourceText

  init(_ failure: YAMLFailure, in file: SourceText, source: UInt16) {
    self.failure = failure
    self.file = file
    message = failure.problem
    if let offset = failure.byteOffset {
      mark = file.mark(ofByte: offset, source: source)
    } else {
      mark = Mark(
        source: source, line: UInt32(clamping: failure.position.line + 1),
        column: UInt32(clamping: failure.position.column + 1))
    }
    explain()
    clampToText()
  }

  private var line: String { file.lineText(mark.line) }
  private var contextLine: UInt32 { UInt32(clamping: failure.contextPosition.line + 1) }

  private mutating func move(to position: YAMLPosition) {
    mark.line = UInt32(clamping: position.line + 1)
    mark.column = UInt32(clamping: position.column + 1)
  }

  /// libyaml places what is missing at the end of the file behind the last line.
  private mutating func clampToText() {
    let line = mark.line
    while mark.line > 1, file.line(mark.line).isEmpty { mark.line -= 1 }
    let end = UInt32(self.line.count + 1)
    mark.column = mark.line < line ? end : min(mark.column, end)
  }

  private mutating func explain() {
    if explainTab() { return }
    switch failure.problem {
    case "mapping values are not allowed in this context": explainUnexpectedColon()
    case "did not find expected key": explainIndentation()
    case "did not find expected '-' indicator": explainListIndentation()
    case "block sequence entries are not allowed in this context":
      message = "a list item cannot stand here"
      hint = "begin the list in a line of its own below its key"
    case "could not find expected ':'": explainMissingColon()
    case "found character that cannot start any token": explainReservedCharacter()
    case "did not find expected alphabetic or numeric character": explainStar()
    case "found unexpected end of stream", "found unexpected document indicator": explainOpenQuote()
    case "did not find expected ',' or ']'": explainOpenFlow("[", "]", "list")
    case "did not find expected ',' or '}'": explainOpenFlow("{", "}", "mapping")
    case "found unexpected ':'":
      message = "a \":\" cannot stand here"
      hint = "in { } a key is followed by \": \", with the space; text that begins with : must be in quotes"
    case "found unknown escape character":
      message = "unknown escape in double quotes"
      hint = "write the text in single quotes, where \\ has no meaning, or write \\\\ for a \\"
    case "did not find expected <document start>", "did not find expected node content": explainStray()
    case "control characters are not allowed": message = "control characters are not allowed in YAML"
    default:
      if failure.byteOffset != nil {
        message = "this is not UTF-8 text"
        hint = "save the file as UTF-8"
      } else if failure.problem.contains("indentation") {
        explainIndentation()
      }
    }
  }

  /// Tabs are the one mistake that cannot be seen, so they are looked for first.
  private mutating func explainTab() -> Bool {
    for number in [mark.line, contextLine, mark.line > 1 ? mark.line - 1 : 1] {
      let indentation = file.line(number).prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      guard let tab = indentation.firstIndex(of: UInt8(ascii: "\t")) else { continue }
      mark.line = number
      mark.column = UInt32(tab - indentation.startIndex + 1)
      message = "a tab is used for indentation; YAML allows only spaces"
      hint = "replace the tab by spaces"
      return true
    }
    return false
  }

  private static func indentation(_ line: ArraySlice<UInt8>) -> Int {
    line.prefix { $0 == UInt8(ascii: " ") }.count
  }

  /// The nearest line above that is neither empty nor a comment.
  private func lineAbove(_ number: UInt32) -> UInt32? {
    var number = number
    while number > 1 {
      number -= 1
      let text = file.line(number).drop { $0 == UInt8(ascii: " ") }
      if let first = text.first, first != UInt8(ascii: "#") { return number }
    }
    return nil
  }

  private func isItem(_ number: UInt32) -> Bool {
    file.line(number).first { $0 != UInt8(ascii: " ") } == UInt8(ascii: "-")
  }

  private mutating func explainUnexpectedColon() {
    let before = file.line(mark.line).prefix(max(0, Int(mark.column) - 1))
    if file.line(mark.line).dropFirst(Int(mark.column)).allSatisfy({ $0 == UInt8(ascii: " ") }),
      before.contains(UInt8(ascii: ":"))
    {
      message = "a value cannot end with \":\""
      hint = "remove the \":\", or write the value in quotes"
    } else if String(decoding: before, as: UTF8.self).contains(": ") {
      message = "a second \": \" in one value"
      hint = "write the value in quotes"
    } else if explainMissingColonAbove() {
      return
    } else if let above = lineAbove(mark.line),
      Self.indentation(file.line(above)) < Self.indentation(file.line(mark.line))
    {
      mark.column = UInt32(Self.indentation(file.line(mark.line)) + 1)
      message = "this line is indented deeper than line \(above), which already has a value"
      hint = "indent it like line \(above), or move that line's value below it"
    } else {
      message = "a key cannot stand here"
      hint = "check the indentation of this line and of the one above"
    }
  }

  /// A line without ": " goes on in the next one, where the next key's colon is then one too many.
  private mutating func explainMissingColonAbove() -> Bool {
    guard let above = lineAbove(mark.line), !isItem(above),
      Self.indentation(file.line(above)) == Self.indentation(file.line(mark.line))
    else { return false }
    let text = file.lineText(above)
    guard !text.contains(": "), !text.hasSuffix(":") else { return false }
    let colon = text.unicodeScalars.enumerated().first { $0.element == ":" }?.offset
    mark.line = above
    mark.column = UInt32((colon ?? Self.indentation(file.line(above))) + 1)
    message = colon == nil ? "a \":\" is missing after this key" : "a space is missing after this \":\""
    hint = "write \"key: value\", with a space after the \":\""
    return true
  }

  private mutating func explainIndentation() {
    let own = Self.indentation(file.line(mark.line))
    let siblings = failure.contextPosition.column
    let text = file.line(mark.line).drop { $0 == UInt8(ascii: " ") }
    if own == failure.position.column, own < siblings {
      message =
        "this line is indented less than its siblings (line \(contextLine)), but deeper than what is around them"
      hint = "indent it by \(siblings) spaces, like line \(contextLine)"
    } else if own == failure.position.column, own > siblings, let above = lineAbove(mark.line),
      Self.indentation(file.line(above)) > own
    {
      let deeper = Self.indentation(file.line(above))
      message =
        "this line lines up with none above: line \(above) is indented by \(deeper) spaces, line \(contextLine) by \(siblings)"
      hint = "indent it by \(siblings) spaces" + (isItem(above) ? "" : ", or by \(deeper)")
    } else if own == failure.position.column, own > siblings {
      message = "this line is indented deeper than its siblings (line \(contextLine))"
      hint = "indent it by \(siblings) spaces"
    } else if own == failure.position.column, text.first == UInt8(ascii: "-") {
      message = "a list item stands among the keys of a mapping"
      hint = "indent it below the key that it belongs to"
    } else if let before = file.line(mark.line).prefix(max(0, Int(mark.column) - 1)).last(where: {
      $0 != UInt8(ascii: " ")
    }),
      before == UInt8(ascii: "\"") || before == UInt8(ascii: "'")
    {
      message = "text stands behind a closing quote"
      hint = "inside double quotes a \" is written \\\", inside single quotes a ' is written ''"
    } else {
      message = "a key was expected here, in the mapping that begins in line \(contextLine)"
      hint = "check this line and the one above"
    }
  }

  private mutating func explainListIndentation() {
    let siblings = failure.contextPosition.column
    if failure.position.column != siblings {
      message = "this line does not line up with the list that begins in line \(contextLine)"
      hint =
        "indent it by \(siblings) spaces and begin it with \"- \", or indent it like the list's key to end the list"
    } else {
      message = "a list item was expected here: the list begins in line \(contextLine)"
      hint = "begin the line with \"- \""
    }
  }

  private mutating func explainMissingColon() {
    move(to: failure.contextPosition)
    message = "a \":\" is missing after this key"
    let isComment = file.line(mark.line).drop { $0 == UInt8(ascii: " ") }.starts(with: "//".utf8)
    hint = isComment ? "a comment begins with #" : "write \"key: value\", with a space after the \":\""
  }

  private mutating func explainReservedCharacter() {
    let character = line.dropFirst(Int(mark.column) - 1).first.map(String.init) ?? ""
    message = "a value cannot begin with \(character)"
    hint = "write the value in quotes"
  }

  private mutating func explainStar() {
    move(to: failure.contextPosition)
    let isAlias = failure.context == "while scanning an alias"
    message = isAlias ? "* begins an alias, but no name follows" : "& begins an anchor, but no name follows"
    hint = "if the \(isAlias ? "*" : "&") is meant literally, write the value in quotes"
  }

  private mutating func explainOpenQuote() {
    move(to: failure.contextPosition)
    message = "the quote that opens here is never closed"
    hint = "close it in the line in which the text ends; a quote within the text is doubled in '', and \\\" in \"\""
  }

  private mutating func explainOpenFlow(_ open: String, _ close: String, _ noun: String) {
    message = "\"\(close)\" or \",\" is missing: the \(noun) opens with \"\(open)\" in line \(contextLine)"
    hint = "a value that contains , or \(close) must be written in quotes"
  }

  private mutating func explainStray() {
    message = "this line does not fit what stands above"
    hint = "check the indentation: top-level keys such as services: begin at the start of the line"
  }
}
