/// A place in one of the files of a load.
package struct Mark: Sendable, Hashable {
  /// The index of the file among the sources of the load.
  package var source: UInt16
  /// From 1; 0 is the file as a whole.
  package var line: UInt32
  /// From 1, in characters.
  package var column: UInt32

  package init(source: UInt16, line: UInt32, column: UInt32) {
    self.source = source
    self.line = line
    self.column = column
  }

  /// Where a file that was read begins.
  static func start(of source: UInt16) -> Mark { Mark(source: source, line: 1, column: 1) }

  /// The file as a whole.
  static func file(_ source: UInt16) -> Mark { Mark(source: source, line: 0, column: 0) }
}

extension Mark: Comparable {
  package static func < (left: Mark, right: Mark) -> Bool {
    (left.source, left.line, left.column) < (right.source, right.line, right.column)
  }
}

/// The text of one file, under the name by which the user knows it.
package struct SourceText: Sendable {
  package let name: String
  /// UTF-8 without a byte order mark.
  package let bytes: [UInt8]

  /// Where each line begins.
  private let starts: [Int]

  package init(name: String, bytes: [UInt8]) {
    let bytes = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes
    self.name = name
    self.bytes = bytes
    var starts = [0]
    for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") { starts.append(index + 1) }
    self.starts = starts
  }

  /// The bytes of a line, from 1, without its end; empty when there is no such line.
  func line(_ number: UInt32) -> ArraySlice<UInt8> {
    guard number > 0, Int(number) <= starts.count else { return [] }
    let start = starts[Int(number) - 1]
    var end = Int(number) < starts.count ? starts[Int(number)] - 1 : bytes.count
    if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return bytes[start..<end]
  }

  func contains(_ needle: String) -> Bool {
    let needle = Array(needle.utf8)
    guard let first = needle.first else { return true }
    var rest = bytes[...]
    while let start = rest.firstIndex(of: first) {
      rest = rest[start...]
      if rest.starts(with: needle) { return true }
      rest = rest.dropFirst()
    }
    return false
  }

  func lineText(_ number: UInt32) -> String { String(decoding: line(number), as: UTF8.self) }

  /// Where `needle` stands at or after `start` and before `end`; nil when it does not, for example because it was escaped.
  func find(_ needle: String, from start: Mark, before end: Mark) -> Mark? {
    guard start.line > 0, end.line >= start.line else { return nil }
    let needle = Array(needle.utf8)
    for number in start.line...end.line {
      let text = Array(line(number))
      var index = number == start.line ? Self.offset(ofColumn: start.column, in: text) : 0
      while index + needle.count <= text.count {
        if text[index..<(index + needle.count)].elementsEqual(needle) {
          return Mark(source: start.source, line: number, column: Self.column(ofOffset: index, in: text))
        }
        index += 1
      }
    }
    return nil
  }

  /// The place of a byte.
  func mark(ofByte offset: Int, source: UInt16) -> Mark {
    let offset = min(offset, bytes.count)
    let line = starts.lastIndex { $0 <= offset } ?? 0
    let column = Self.column(ofOffset: offset - starts[line], in: Array(bytes[starts[line]...]))
    return Mark(source: source, line: UInt32(clamping: line + 1), column: column)
  }

  private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xc0 == 0x80 }

  private static func offset(ofColumn column: UInt32, in text: [UInt8]) -> Int {
    var remaining = Int(column) - 1
    var index = 0
    while index < text.count, remaining > 0 {
      index += 1
      while index < text.count, isContinuation(text[index]) { index += 1 }
      remaining -= 1
    }
    return index
  }

  private static func column(ofOffset offset: Int, in text: [UInt8]) -> UInt32 {
    UInt32(text.prefix(max(0, offset)).count { !isContinuation($0) } + 1)
  }
}

/// Why a file could not be read.
package enum SourceReadError: Error, Sendable, Hashable {
  case notFound
  case isDirectory
  /// For example `permission denied`.
  case other(String)

  var reason: String {
    switch self {
    case .notFound: "no such file"
    case .isDirectory: "it is a directory"
    case .other(let reason): reason
    }
  }
}
