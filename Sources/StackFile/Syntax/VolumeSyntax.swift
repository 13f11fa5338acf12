/// The short form of `volumes`: `[SOURCE:]TARGET[:OPTION,…]`.
struct VolumeSyntax: Equatable {
  /// nil for an anonymous volume.
  var source: String?
  var target: String
  var options: [String]

  struct Problem: Error, Equatable {
    var message: String
    var hint: String?
  }

  static let form = "the form is [SOURCE:]TARGET[:ro], for example ./data:/data:ro"

  init(_ text: String) throws(Problem) {
    guard !text.isEmpty else { throw Problem(message: "the volume is empty", hint: Self.form) }
    let parts = Self.joiningDrives(Self.parts(of: text))
    guard !parts.contains("") else {
      throw Problem(message: "\"\(text)\" has nothing between two colons", hint: Self.form)
    }
    guard parts.count <= 3 else { throw Problem(message: "\"\(text)\" has too many colons", hint: Self.form) }
    switch parts.count {
    case 1: (source, target, options) = (nil, parts[0], [])
    case 2: (source, target, options) = (parts[0], parts[1], [])
    default:
      (source, target, options) = (
        parts[0], parts[1], parts[2][...].parts(between: UInt8(ascii: ","), omittingEmpty: true).map(String.init)
      )
    }
  }

  /// A source that begins like a path is one; anything else is the key of a volume.
  var isBind: Bool {
    guard let first = source?.utf8.first else { return false }
    return first == UInt8(ascii: "/") || first == UInt8(ascii: ".") || first == UInt8(ascii: "~")
      || first == UInt8(ascii: "\\") || source?.utf8.dropFirst().first == UInt8(ascii: ":")
  }

  /// Colons inside `${…}` belong to a reference that nobody has looked up.
  private static func parts(of text: String) -> [String] {
    guard text.utf8.contains(UInt8(ascii: "{")) else {
      return text[...].parts(between: UInt8(ascii: ":")).map(String.init)
    }
    var parts: [String] = [""]
    var depth = 0
    var previous: Character = " "
    for character in text {
      if character == "{", previous == "$" || depth > 0 { depth += 1 }
      if character == "}", depth > 0 { depth -= 1 }
      previous = character
      if character == ":", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts
  }

  /// `C:\data` is one part, not two: a letter alone that is followed by a path of Windows.
  private static func joiningDrives(_ parts: [String]) -> [String] {
    var result: [String] = []
    for part in parts {
      if let drive = result.last, drive.utf8.count == 1,
        part.hasPrefix("\\") || (part.hasPrefix("/") && parts.count > 3)
      {
        result[result.count - 1] = drive + ":" + part
      } else {
        result.append(part)
      }
    }
    return result
  }
}
