/// `512m`, `1.5gb`, `100k`, `2048`: sizes in units of 1024 (Compose Specification, section byte values).
enum ByteSize {
  /// nil when the text is no size, or one that does not fit.
  static func parse(_ text: String) -> UInt64? {
    let bytes = Array(text.utf8)
    let number = bytes.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    var unit = String(decoding: bytes[number.count...], as: UTF8.self).lowercased()
    while unit.hasPrefix(" ") { unit.removeFirst() }
    guard let factor = factors[unit] else { return nil }
    let digits = String(decoding: number, as: UTF8.self)
    if let whole = UInt64(digits) {
      let (product, overflow) = whole.multipliedReportingOverflow(by: factor)
      return overflow || product > UInt64(Int64.max) ? nil : product
    }
    guard let real = Double(digits), digits.first != ".", digits.last != "." else { return nil }
    let product = real * Double(factor)
    return product < 9e18 ? UInt64(product) : nil
  }

  private static let factors: [String: UInt64] = [
    "": 1, "b": 1, "k": 1 << 10, "kb": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "mib": 1 << 20,
    "g": 1 << 30, "gb": 1 << 30, "gib": 1 << 30, "t": 1 << 40, "tb": 1 << 40, "tib": 1 << 40, "p": 1 << 50,
    "pb": 1 << 50, "pib": 1 << 50,
  ]
}
