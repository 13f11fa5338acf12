/// The rules of project names: `[a-z0-9][a-z0-9_-]*`.
package enum ProjectName {
  package static func isValid(_ name: String) -> Bool { !name.isEmpty && normalized(name) == name }

  /// Lower case, without what is not allowed; may be empty.
  static func normalized(_ name: String) -> String {
    let allowed = name.lowercased().utf8.filter {
      (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
    }
    return String(decoding: allowed.drop { $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }, as: UTF8.self)
  }

  /// The rules, for whoever broke them.
  package static let hint = "a project name has small letters, digits, - and _, and begins with a letter or digit"
}
