import LinuxSystem

/// Moments in text (RFC 3339), and the moments that `--since` and `--until` name. In nanoseconds since 1970.
package enum LogTime {
  // MARK: - Text to moment

  /// A moment as docker's command line takes it; nil when `text` is none.
  ///
  /// - `42m`, `1h30m`, `1.5s`: so long before `now`;
  /// - `2026-08-19T12:00:00.5Z`, with `+02:00`, or without a zone for the local one; `2026-08-19T12:00`; `2026-08-19`;
  /// - `1700000000.25`: seconds since 1970.
  /// - Parameter localOffset: seconds east of UTC at a moment.
  package static func moment(
    _ text: String, now: UInt64, localOffset: (Int64) -> Int64 = LocalTime.offset(at:)
  ) -> UInt64? {
    if let duration = duration(text) {
      return duration < 0 ? now &+ UInt64(-duration) : UInt64(duration) > now ? 0 : now - UInt64(duration)
    }
    if let seconds = fixed(text, digits: 9) { return seconds < 0 ? 0 : UInt64(seconds) }
    return date(text, localOffset)
  }

  /// Nanoseconds of a duration such as `1h30m`, `-5s` or `0`; nil when it is none, or too long.
  package static func duration(_ text: String) -> Int64? {
    var rest = text[...]
    let isNegative = rest.first == "-"
    if let sign = rest.first, sign == "-" || sign == "+" { rest.removeFirst() }
    if rest == "0" { return 0 }
    if rest.isEmpty { return nil }
    var total: Int128 = 0
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      rest = rest.dropFirst(number.count)
      let unit = rest.prefix { !($0.isASCII && $0.isNumber) && $0 != "." }
      rest = rest.dropFirst(unit.count)
      guard let scale = scale(of: unit), let value = decimal(number) else { return nil }
      total += Int128(value.whole) * Int128(scale) + Int128((value.fraction * Double(scale)).rounded())
      if total > Int128(Int64.max) { return nil }
    }
    return isNegative ? -Int64(total) : Int64(total)
  }

  private static func scale(of unit: Substring) -> Int64? {
    switch unit {
    case "ns": 1
    case "us", "\u{B5}s", "\u{3BC}s": 1000
    case "ms": 1_000_000
    case "s": 1_000_000_000
    case "m": 60_000_000_000
    case "h": 3_600_000_000_000
    default: nil
    }
  }

  private static func decimal(_ text: Substring) -> (whole: Int64, fraction: Double)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, text.contains(where: \.isNumber) else { return nil }
    let whole = parts[0].isEmpty ? 0 : Int64(parts[0])
    guard let whole, let fraction = parts.count == 1 ? 0 : Double("0.\(parts[1])0") else { return nil }
    return (whole, fraction)
  }

  /// A decimal number times ten to the power of `digits`; further digits are cut.
  private static func fixed(_ text: some StringProtocol, digits: Int) -> Int64? {
    let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty, whole.utf8.allSatisfy(isDigit) else { return nil }
    let fraction = parts.count == 2 ? parts[1] : ""
    guard parts.count == 1 || !fraction.isEmpty, fraction.utf8.allSatisfy(isDigit) else { return nil }
    let cut = fraction.prefix(digits)
    return Int64(String(whole) + cut + String(repeating: "0", count: digits - cut.count))
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func date(_ text: String, _ localOffset: (Int64) -> Int64) -> UInt64? {
    var reader = DateReader(text)
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
      let day = reader.number(2), (1...12).contains(month), (1...daysInMonth(month, year)).contains(day)
    else { return nil }
    var seconds = days(year: year, month: month, day: day) * 86_400
    var nanoseconds: Int64 = 0
    if reader.skip("T") || reader.skip("t") || reader.skip(" ") {
      guard let hour = reader.number(2), reader.skip(":"), let minute = reader.number(2), hour < 24, minute < 60
      else { return nil }
      seconds += hour * 3600 + minute * 60
      if reader.skip(":") {
        // A leap second is the first of the next minute.
        guard let second = reader.number(2), second <= 60 else { return nil }
        seconds += second
        if reader.skip(".") || reader.skip(",") {
          guard let fraction = fixed("0." + reader.digits(), digits: 9) else { return nil }
          nanoseconds = fraction
        }
      }
    }
    guard let offset = reader.zone() ?? (reader.isAtEnd ? localOffset(seconds - localOffset(seconds)) : nil),
      reader.isAtEnd
    else { return nil }
    let moment = (seconds - offset) * 1_000_000_000 + nanoseconds
    return moment < 0 ? 0 : UInt64(moment)
  }

  // MARK: - The calendar (proleptic Gregorian, as RFC 3339)

  private static func isLeap(_ year: Int64) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func daysInMonth(_ month: Int64, _ year: Int64) -> Int64 {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days from 1970-01-01 to a date from the year 0 on.
  ///
  /// Years are taken from March to February, so that the leap day is the last of its year: the days before a month are then
  /// a linear function of its number, 153 days for each five months.
  static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month > 2 ? year : year - 1
    let monthFromMarch = month > 2 ? month - 3 : month + 9
    // Floor division also for the one year before 0.
    let cycle = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfCycle = shifted - cycle * 400
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    let dayOfCycle = yearOfCycle * 365 + yearOfCycle / 4 - yearOfCycle / 100 + dayOfYear
    // 146,097 days are 400 years; 719,468 lie between 0000-03-01 and 1970-01-01.
    return cycle * 146_097 + dayOfCycle - 719_468
  }

  /// The date `days` after 1970-01-01, not before it.
  static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let cycle = shifted / 146_097
    let dayOfCycle = shifted % 146_097
    // Days without the leap days before them: one each 4 years (1,461 days), but for each 100 (36,524), but for each 400.
    let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
    let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    return (
      cycle * 400 + yearOfCycle + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    )
  }

  // MARK: - Moment to text

  /// `2026-08-19T12:00:00`, in UTC.
  package static func dateAndTime(seconds: UInt64) -> [UInt8] {
    let date = date(days: Int64(seconds / 86_400))
    let second = Int64(seconds % 86_400)
    var text: [UInt8] = []
    func write(_ number: Int64, _ width: Int, _ after: Unicode.Scalar?) {
      var divisor: Int64 = 1
      for _ in 1..<width { divisor *= 10 }
      while divisor > 0 {
        text.append(UInt8(ascii: "0") + UInt8(number / divisor % 10))
        divisor /= 10
      }
      if let after { text.append(UInt8(ascii: after)) }
    }
    write(date.year, 4, "-")
    write(date.month, 2, "-")
    write(date.day, 2, "T")
    write(second / 3600, 2, ":")
    write(second / 60 % 60, 2, ":")
    write(second % 60, 2, nil)
    return text
  }

  /// `2026-08-19T12:00:00.000000000Z`: always nine digits, so that lines stay aligned.
  package static func text(_ moment: UInt64) -> String {
    var bytes = dateAndTime(seconds: moment / 1_000_000_000)
    appendFraction(moment % 1_000_000_000, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `.000000000Z`
  static func appendFraction(_ nanoseconds: UInt64, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "."))
    var divisor: UInt64 = 100_000_000
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(nanoseconds / divisor % 10))
      divisor /= 10
    }
    bytes.append(UInt8(ascii: "Z"))
  }
}

/// Takes a date apart from left to right.
private struct DateReader {
  private var rest: Substring.UTF8View

  init(_ text: String) {
    rest = text[...].utf8
  }

  var isAtEnd: Bool { rest.isEmpty }

  /// Exactly `count` digits.
  mutating func number(_ count: Int) -> Int64? {
    let digits = rest.prefix(count)
    guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    rest = rest.dropFirst(count)
    return Int64(String(Substring(digits)))
  }

  mutating func digits() -> String {
    let digits = rest.prefix { (0x30...0x39).contains($0) }
    rest = rest.dropFirst(digits.count)
    return String(Substring(digits))
  }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard rest.first == UInt8(ascii: character) else { return false }
    rest = rest.dropFirst()
    return true
  }

  /// Seconds east of UTC: `Z`, `+02:00`, `-0330`; nil when none follows.
  mutating func zone() -> Int64? {
    if skip("Z") || skip("z") { return 0 }
    let isWest = rest.first == UInt8(ascii: "-")
    guard skip("+") || skip("-"), let hours = number(2) else { return nil }
    _ = skip(":")
    guard let minutes = number(2), hours < 24, minutes < 60 else { return nil }
    return (isWest ? -1 : 1) * (hours * 3600 + minutes * 60)
  }
}
