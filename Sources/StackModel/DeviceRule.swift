/// Device nodes that a service may use beside those of `devices` (`device_cgroup_rules`), in the form of cgroup v1's
/// `devices.allow`: `c 10:200 rwm`.
package struct DeviceRule: Sendable, Hashable, CustomStringConvertible {
  package enum Kind: String, Sendable {
    case character = "c"
    case block = "b"
  }

  package let kind: Kind
  /// nil is any.
  package let major: UInt32?
  /// nil is any.
  package let minor: UInt32?
  /// Some of `rwm`: read, write, make the node.
  package let access: String

  /// The rules that `KIND MAJOR:MINOR ACCESS` stands for; two when the kind is `a`, for both. nil for anything else.
  package static func parse(_ text: String) -> [DeviceRule]? {
    let words = text.split(separator: " ")
    guard words.count == 3, let numbers = numbers(words[1]), isAccess(words[2]) else { return nil }
    let kinds = words[0] == "a" ? [Kind.character, .block] : [Kind(rawValue: String(words[0]))]
    let rules = kinds.compactMap { kind in
      kind.map { DeviceRule(kind: $0, major: numbers.major, minor: numbers.minor, access: String(words[2])) }
    }
    return rules.isEmpty ? nil : rules
  }

  private static func numbers(_ text: Substring) -> (major: UInt32?, minor: UInt32?)? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0 == "*" || UInt32($0) != nil }) else { return nil }
    return (UInt32(parts[0]), UInt32(parts[1]))
  }

  private static func isAccess(_ text: Substring) -> Bool { text.utf8.allSatisfy { "rwm".utf8.contains($0) } }

  package var description: String {
    "\(kind.rawValue) \(major.map { "\($0)" } ?? "*"):\(minor.map { "\($0)" } ?? "*") \(access)"
  }
}

/// As text, in the form in which it is written.
extension DeviceRule: Codable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let rule = Self.parse(try container.decode(String.self))?.first else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a rule about devices")
    }
    self = rule
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
