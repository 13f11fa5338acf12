/// A line that a container wrote, or a notice of its log.
package struct LogLine: Sendable, Hashable {
  /// How the bytes of a line end.
  package enum Ending: Sendable, Hashable {
    case newline
    /// The stream, the run, or what was kept of it, ended without one.
    case missing
    /// The line is longer than one value may be: it goes on in the next value of its stream, which has the same times.
    case cut
  }

  package var stream: LogStream
  /// When the first byte was read: nanoseconds since 1970.
  package var realtime: UInt64
  /// The same moment in nanoseconds since boot.
  package var monotonic: UInt64
  /// As written, without the newline; not necessarily UTF-8.
  package var bytes: ArraySlice<UInt8>
  package var ending: Ending

  package init(
    _ stream: LogStream, realtime: UInt64, monotonic: UInt64, bytes: ArraySlice<UInt8>, ending: Ending = .newline
  ) {
    self.stream = stream
    self.realtime = realtime
    self.monotonic = monotonic
    self.bytes = bytes
    self.ending = ending
  }
}

/// Which lines of a log are asked for: the last `tail` of those between two moments.
package struct LogSelection: Sendable, Hashable {
  /// Nanoseconds since 1970, inclusive.
  package var since: UInt64?
  /// Nanoseconds since 1970, inclusive.
  package var until: UInt64?
  /// nil is all.
  package var tail: Int?

  package static let all = LogSelection()

  package init(since: UInt64? = nil, until: UInt64? = nil, tail: Int? = nil) {
    self.since = since
    self.until = until
    self.tail = tail
  }

  /// Whether lines that began at this moment are asked for, `tail` apart.
  func includes(_ realtime: UInt64) -> Bool {
    if let since, realtime < since { return false }
    if let until, realtime > until { return false }
    return true
  }
}
