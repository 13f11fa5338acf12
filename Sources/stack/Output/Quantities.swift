import LinuxSystem

/// Durations and amounts in docker's words (its go-units), rounded to the unit that fits.
enum Quantities {
  /// `3 minutes`, `About an hour`.
  static func duration(nanoseconds: UInt64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    let minutes = seconds / 60
    let hours = (seconds + 1800) / 3600
    return switch (seconds, minutes, hours) {
    case (0, _, _): "Less than a second"
    case (1, _, _): "1 second"
    case (..<60, _, _): "\(seconds) seconds"
    case (_, 1, _): "About a minute"
    case (_, ..<60, _): "\(minutes) minutes"
    case (_, _, 1): "About an hour"
    case (_, _, ..<48): "\(hours) hours"
    case (_, _, ..<336): "\(hours / 24) days"
    case (_, _, ..<1440): "\(hours / 168) weeks"
    case (_, _, ..<17520): "\(hours / 720) months"
    default: "\(seconds / 3600 / 24 / 365) years"
    }
  }

  /// Bytes in powers of 1000: `1.99MB`.
  static func bytes(_ count: UInt64) -> String {
    text(count, base: 1000, ["B", "kB", "MB", "GB", "TB", "PB", "EB"], digits: 3)
  }

  /// Bytes in powers of 1024: `23.54GiB`.
  static func binaryBytes(_ count: UInt64) -> String {
    text(count, base: 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"], digits: 4)
  }

  private static func text(_ count: UInt64, base: Double, _ units: [String], digits: Int) -> String {
    var (value, unit) = (Double(count), 0)
    while value >= base, unit < units.count - 1 { (value, unit) = (value / base, unit + 1) }
    return significant(value, digits) + units[unit]
  }

  /// So many digits at most after the first that is not 0, and no zeros at the end.
  private static func significant(_ value: Double, _ digits: Int) -> String {
    var scale: UInt64 = 1
    while value * Double(scale) * 10 < pow10(digits), scale < UInt64(pow10(digits)) { scale *= 10 }
    let scaled = UInt64((value * Double(scale)).rounded())
    var fraction = scaled % scale
    if fraction == 0 { return "\(scaled / scale)" }
    var width = "\(scale)".count - 1
    while fraction % 10 == 0 { (fraction, width) = (fraction / 10, width - 1) }
    let text = "\(fraction)"
    return "\(scaled / scale)." + String(repeating: "0", count: width - text.count) + text
  }

  private static func pow10(_ exponent: Int) -> Double { (0..<exponent).reduce(1.0) { power, _ in power * 10 } }
}
