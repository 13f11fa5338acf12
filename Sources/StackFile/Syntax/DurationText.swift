/// `1h5m30s20ms`: durations as sums of numbers with units (Compose Specification, section durations).
enum DurationText {
  private static let units: [(name: String, nanoseconds: UInt64)] = [
    ("ns", 1), ("us", 1000), ("µs", 1000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000),
    ("h", 3_600_000_000_000), ("d", 86_400_000_000_000), ("w", 604_800_000_000_000),
  ]

  /// Nanoseconds; nil when the text is no duration. `0` needs no unit.
  static func parse(_ text: String) -> UInt64? {
    if text == "0" { return 0 }
    var rest = Array(text.utf8)[...]
    guard !rest.isEmpty else { return nil }
    var total: UInt64 = 0
    while !rest.isEmpty {
      let number = rest.prefix { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { !(0x30...0x39).contains($0) && $0 != UInt8(ascii: ".") }
      rest = rest.dropFirst(unit.count)
      let name = String(decoding: unit, as: UTF8.self)
      guard let factor = units.first(where: { $0.name == name })?.nanoseconds,
        let value = Double(String(decoding: number, as: UTF8.self)), value * Double(factor) < 9e18
      else { return nil }
      let whole = UInt64(String(decoding: number, as: UTF8.self)).map { $0 &* factor } ?? UInt64(value * Double(factor))
      let (sum, overflow) = total.addingReportingOverflow(whole)
      guard !overflow else { return nil }
      total = sum
    }
    return total
  }

  /// The canonical form, for example `1m30s`, `20ms` or `0s`.
  static func text(nanoseconds: UInt64) -> String {
    if nanoseconds == 0 { return "0s" }
    if nanoseconds < 1000 { return "\(nanoseconds)ns" }
    if nanoseconds < 1_000_000 { return decimal(nanoseconds, per: 1000) + "µs" }
    if nanoseconds < 1_000_000_000 { return decimal(nanoseconds, per: 1_000_000) + "ms" }
    let minutes = nanoseconds / 60_000_000_000
    let seconds = decimal(nanoseconds % 60_000_000_000, per: 1_000_000_000) + "s"
    if minutes == 0 { return seconds }
    if minutes < 60 { return "\(minutes)m" + seconds }
    return "\(minutes / 60)h\(minutes % 60)m" + seconds
  }

  private static func decimal(_ value: UInt64, per unit: UInt64) -> String {
    var fraction = value % unit
    if fraction == 0 { return "\(value / unit)" }
    var width = "\(unit)".utf8.count - 1
    while fraction % 10 == 0 {
      fraction /= 10
      width -= 1
    }
    let digits = "\(fraction)"
    return "\(value / unit)." + String(repeating: "0", count: width - digits.utf8.count) + digits
  }
}
