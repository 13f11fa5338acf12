/// Splits a command line into words like a shell, without being one: blanks separate, quotes and `\` keep together.
/// Nothing is expanded.
enum ShellWords {
  /// nil when a quote is not closed.
  static func split(_ text: String) -> [String]? {
    var words: [String] = []
    var word: [UInt8]?
    var quote: UInt8?
    var bytes = text.utf8.makeIterator()
    while let byte = bytes.next() {
      if let open = quote {
        if byte == open {
          quote = nil
        } else if byte == UInt8(ascii: "\\"), open == UInt8(ascii: "\"") {
          guard let next = bytes.next() else { return nil }
          // In double quotes a shell takes \ away only before these (POSIX, section 2.2.3).
          let isEscape = next == open || next == byte || next == UInt8(ascii: "$") || next == UInt8(ascii: "`")
          word = word ?? []
          word?.append(contentsOf: isEscape ? [next] : [byte, next])
        } else {
          word = word ?? []
          word?.append(byte)
        }
        continue
      }
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
        word = nil
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        quote = byte
        word = word ?? []
      case UInt8(ascii: "\\"):
        guard let next = bytes.next() else { return nil }
        guard next != UInt8(ascii: "\n") else { continue }
        word = word ?? []
        word?.append(next)
      default:
        word = word ?? []
        word?.append(byte)
      }
    }
    guard quote == nil else { return nil }
    if let done = word { words.append(String(decoding: done, as: UTF8.self)) }
    return words
  }
}
