import LinuxSystem

/// The path of a tar entry, clean and relative to the root of the archive.
struct EntryPath: Hashable {
  /// Longest path and longest name of a file (PATH_MAX, NAME_MAX), and how deep directories may lie in each other.
  private static let longestPath = 4096
  private static let longestName = 255
  private static let deepest = 256

  /// Components with single slashes between them; empty for the root itself.
  let bytes: [UInt8]
  /// Where the last component begins.
  private let nameStart: Int
  /// Whether a component begins with `.wh.`, as whiteouts do.
  let hasWhiteoutComponent: Bool

  /// Takes a path as archives have them: `./a//b/`, or with a leading slash, which means the archive's root too.
  /// - Parameter raw: must have no component `..`, and nothing longer or deeper than file systems take.
  init(_ raw: [UInt8]) throws(ArchiveError) {
    func refuse(_ reason: String) -> ArchiveError {
      .entry(String(decoding: raw.prefix(Self.longestName), as: UTF8.self), reason: reason)
    }
    if raw.isEmpty { throw refuse("it has no name") }
    if raw.count >= Self.longestPath { throw refuse("its path is longer than \(Self.longestPath) bytes") }
    var clean: [UInt8] = []
    clean.reserveCapacity(raw.count)
    var nameStart = 0
    var depth = 0
    var hasWhiteoutComponent = false
    for component in raw.split(separator: UInt8(ascii: "/")) where !component.elementsEqual(".".utf8) {
      if component.elementsEqual("..".utf8) { throw refuse("its path has a component \"..\"") }
      if component.count > Self.longestName { throw refuse("a name in it is longer than \(Self.longestName) bytes") }
      if !clean.isEmpty { clean.append(UInt8(ascii: "/")) }
      nameStart = clean.count
      clean.append(contentsOf: component)
      hasWhiteoutComponent = hasWhiteoutComponent || component.starts(with: Whiteout.prefix)
      depth += 1
    }
    if depth > Self.deepest { throw refuse("it lies deeper than \(Self.deepest) directories") }
    bytes = clean
    self.nameStart = nameStart
    self.hasWhiteoutComponent = hasWhiteoutComponent
  }

  var isRoot: Bool { bytes.isEmpty }
  var name: RawName { RawName(bytes[nameStart...]) }
  /// Empty for entries of the root.
  var parent: ArraySlice<UInt8> { bytes[..<max(0, nameStart - 1)] }
  /// For messages.
  var text: String { String(decoding: bytes, as: UTF8.self) }
}
