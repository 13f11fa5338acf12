/// Characters that look like others, and come along with what is copied from pages and word processors.
enum Lookalike {
  /// nil when the text has none.
  static func hint(for text: String) -> String? {
    guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0xa0, 0x2000...0x200b, 0x202f, 0x3000, 0xfeff:
        return "a space in it is none (U+\(hexadecimal(scalar))): write ordinary spaces"
      case 0x2018...0x201f, 0xab, 0xbb: return "\(scalar) is no quote of YAML: write \" or '"
      case 0x2010...0x2015: return "\(scalar) is no hyphen: write -"
      default: continue
      }
    }
    return nil
  }

  private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}
