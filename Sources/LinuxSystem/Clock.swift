import Glibc

/// Nanoseconds on one of the kernel's clocks (clock_gettime(2)).
package enum KernelClock {
  /// CLOCK_MONOTONIC: never jumps; comparable between processes until the next boot.
  package static var monotonic: UInt64 { read(CLOCK_MONOTONIC) }
  /// CLOCK_REALTIME: since 1970-01-01T00:00:00Z; may jump.
  package static var realtime: UInt64 { read(CLOCK_REALTIME) }

  /// How long to wait for a moment of the monotonic clock, as poll(2) takes it: never too short, 0 when it has passed, and -1 for
  /// `.max`, which never comes.
  package static func milliseconds(until deadline: UInt64) -> Int {
    if deadline == .max { return -1 }
    let now = monotonic
    return deadline > now ? Int(clamping: (deadline - now + 999_999) / 1_000_000) : 0
  }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    // Fails only for a clock that does not exist.
    unsafe clock_gettime(clock, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
