import Glibc

/// The time zone of the machine, or of `TZ` (tzset(3)).
package enum LocalTime {
  /// Seconds east of UTC at a moment, in seconds since 1970; 0 when the zone is not known.
  package static func offset(at moment: Int64) -> Int64 {
    var time = time_t(moment)
    var broken = unsafe tm()
    guard unsafe localtime_r(&time, &broken) != nil else { return 0 }
    return unsafe Int64(broken.tm_gmtoff)
  }
}
