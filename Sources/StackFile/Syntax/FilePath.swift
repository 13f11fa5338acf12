/// Paths as text: nothing is looked up.
enum FilePath {
  /// Without `.`, `..`, and doubled or trailing slashes; `.` when nothing is left of a relative path.
  static func clean(_ path: String) -> String {
    if isClean(path) { return path }
    let isAbsolute = path.utf8.first == UInt8(ascii: "/")
    var parts: [Substring] = []
    for part in path[...].parts(between: UInt8(ascii: "/"), omittingEmpty: true) where part != "." {
      if part == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else if part != ".." || !isAbsolute {
        parts.append(part)
      }
    }
    let joined = parts.joined(separator: "/")
    return isAbsolute ? "/" + joined : joined.isEmpty ? "." : joined
  }

  /// Most paths are, and need no copy: absolute, and nothing in them begins with a dot or is empty.
  private static func isClean(_ path: String) -> Bool {
    guard path.utf8.count > 1, isAbsolute(path), path.utf8.last != UInt8(ascii: "/") else { return false }
    var isAtSlash = false
    for byte in path.utf8 {
      if isAtSlash, byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") { return false }
      isAtSlash = byte == UInt8(ascii: "/")
    }
    return true
  }

  static func isAbsolute(_ path: String) -> Bool { path.utf8.first == UInt8(ascii: "/") }

  /// The clean path that `path` means when it is used in `directory`; `~` is `home`.
  static func resolve(_ path: String, in directory: String, home: String?) -> String {
    if let home, path == "~" || path.hasPrefix("~/") { return clean(home + path.dropFirst()) }
    return clean(isAbsolute(path) ? path : directory + "/" + path)
  }

  /// `directory/path`, clean, whichever of them is relative.
  static func joined(_ directory: String, _ path: String) -> String {
    isAbsolute(path) || directory.isEmpty ? clean(path) : clean(directory + "/" + path)
  }

  static func parent(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? ""
  }
}
