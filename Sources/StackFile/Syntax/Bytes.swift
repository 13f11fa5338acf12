/// Texts of a file compared and taken apart byte by byte: what Swift knows of characters costs more than the rest of a load.
extension String {
  /// Keys that are looked for mostly differ in their lengths.
  func isSame(as other: String) -> Bool { utf8.count == other.utf8.count && self == other }

  /// The name of an extension: of anchors, and for other programs.
  var isExtensionName: Bool {
    var bytes = utf8.makeIterator()
    return bytes.next() == UInt8(ascii: "x") && bytes.next() == UInt8(ascii: "-")
  }
}

extension Substring {
  /// The parts between bytes that are one character.
  func parts(between separator: UInt8, maxSplits: Int = .max, omittingEmpty: Bool = false) -> [Substring] {
    utf8.split(separator: separator, maxSplits: maxSplits, omittingEmptySubsequences: omittingEmpty).map(Substring.init)
  }
}
