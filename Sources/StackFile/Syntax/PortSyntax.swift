import InternetAddress

/// The short form of `ports`: `[[IP:]HOST[-END]:]PORT[-END][/PROTOCOL]`.
struct PortSyntax: Equatable {
  var hostAddress: String?
  /// nil when the kernel chooses.
  var published: ClosedRange<UInt16>?
  var target: ClosedRange<UInt16>
  var transport: String

  struct Problem: Error, Equatable {
    var message: String
    var hint: String?
  }

  init(_ text: String) throws(Problem) {
    var rest = text[...]
    transport = "tcp"
    if let slash = rest.utf8.lastIndex(of: UInt8(ascii: "/")) {
      transport = rest[rest.index(after: slash)...].lowercased()
      rest = rest[..<slash]
    }
    var parts: [Substring] = []
    if rest.utf8.first == UInt8(ascii: "[") {
      guard let close = rest.firstIndex(of: "]"), rest[close...].dropFirst().first == ":" else {
        throw Problem(message: "\"\(text)\": an address in [ ] must be followed by a port", hint: Self.form)
      }
      hostAddress = String(rest[rest.index(after: rest.startIndex)..<close])
      rest = rest[close...].dropFirst(2)
    }
    parts = rest.parts(between: UInt8(ascii: ":"))
    guard let last = parts.popLast() else { throw Problem(message: "the port is empty", hint: Self.form) }
    target = try Self.range(last, "container port", in: text)
    if let host = parts.popLast(), !host.isEmpty { published = try Self.range(host, "host port", in: text) }
    if !parts.isEmpty {
      guard hostAddress == nil else { throw Problem(message: "\"\(text)\" has too many colons", hint: Self.form) }
      hostAddress = parts.joined(separator: ":")
    }
    if hostAddress?.isEmpty == true { hostAddress = nil }
    if let published, published.count != target.count, target.count > 1 {
      throw Problem(
        message: "\"\(text)\": \(published.count) host ports for \(target.count) container ports",
        hint: "give ranges of the same length")
    }
  }

  static let form = "the form is [[IP:]HOST[-END]:]PORT[-END][/PROTOCOL], for example 8080:80"

  /// `8080` or `8080-8090`; a host port may be 0.
  static func range(_ text: Substring, _ what: String, in whole: String) throws(Problem) -> ClosedRange<UInt16> {
    let ends = text.parts(between: UInt8(ascii: "-"), maxSplits: 1)
    let first = try port(ends[0], what, in: whole)
    guard ends.count == 2 else { return first...first }
    let last = try port(ends[1], what, in: whole)
    guard first <= last else {
      throw Problem(message: "the range of \(what)s \(text) ends before it begins", hint: "write \(last)-\(first)")
    }
    return first...last
  }

  private static func port(_ text: Substring, _ what: String, in whole: String) throws(Problem) -> UInt16 {
    guard !text.isEmpty else { throw Problem(message: "\"\(whole)\": the \(what) is missing", hint: form) }
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      throw Problem(message: "\"\(whole)\": the \(what) \"\(text)\" is not a number", hint: form)
    }
    let isHost = what == "host port"
    guard let port = UInt16(text), port > 0 || isHost else {
      throw Problem(
        message: "\(what) \(text) is not in 1-65535",
        hint: isHost ? "0, or no host port, lets the kernel choose one" : nil)
    }
    return port
  }
}
