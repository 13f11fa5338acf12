import Glibc

/// An extended regular expression (regex(7)).
@safe package final class RegularExpression {
  private var compiled = unsafe regex_t()

  /// What is wrong with an expression.
  package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
  }

  package init(_ pattern: String) throws(Problem) {
    let code = unsafe regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB)
    guard code == 0 else {
      var buffer = [CChar](repeating: 0, count: 256)
      _ = unsafe regerror(code, &compiled, &buffer, buffer.count)
      let text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw Problem(description: "\"\(pattern)\" is not a regular expression: \(text)")
    }
  }

  deinit {
    unsafe regfree(&compiled)
  }

  /// Whether the expression matches a part of a line; what comes after a NUL does not count.
  package func matches(_ line: some Sequence<UInt8>) -> Bool {
    var text = line.map { CChar(bitPattern: $0) }
    text.append(0)
    return unsafe regexec(&compiled, text, 0, nil, 0) == 0
  }
}
