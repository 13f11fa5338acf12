import LinuxSystem
import SystemPackage

/// Where in the segments of a log to start reading for a selection.
struct LogIndex: Sendable {
  struct Start: Sendable, Hashable {
    /// The position of the segment among those given.
    var segment: Int
    /// The start of a record.
    var offset: UInt64
    /// How many lines that match, from there on, are too many.
    var dropping: Int
  }

  /// Some records that follow each other.
  fileprivate struct Window {
    let start: UInt64
    var end: UInt64
    var earliest: UInt64
    var latest: UInt64
  }

  private static let windowSize: UInt64 = 1 << 20

  /// Looks from the end backwards, at headers first, and at the bytes of only so many records as hold the lines asked for.
  ///
  /// Times are not taken to be in order: CLOCK_REALTIME may have been set back.
  static func start(
    of selection: LogSelection, in segments: [LogSegment], directory: String
  ) throws(SystemCallError) -> Start {
    guard let last = segments.indices.last, selection.tail != nil || selection.since != nil else {
      return Start(segment: 0, offset: 0, dropping: 0)
    }
    var start: Start?
    var found = 0
    var end: UInt64 = 0
    for segment in segments.indices.reversed() {
      let path = "\(directory)/\(segments[segment].name)"
      let windows: [Window]
      do throws(SystemCallError) {
        windows = try Self.windows(path)
      } catch  where error.errno == .noSuchFileOrDirectory {
        // Removed meanwhile, to keep the log within its limit.
        break
      }
      if segment == last { end = windows.last?.end ?? 0 }
      if selection.tail == 0 { break }
      for window in windows.reversed() where window.mayMatch(selection) {
        start = Start(segment: segment, offset: window.start, dropping: 0)
        guard let tail = selection.tail else { continue }
        found += try lines(of: selection, in: window, path)
        if found >= tail { return Start(segment: segment, offset: window.start, dropping: found - tail) }
      }
    }
    return start ?? Start(segment: last, offset: end, dropping: 0)
  }

  private static func windows(_ path: String) throws(SystemCallError) -> [Window] {
    var cursor = try RecordCursor(path)
    var windows: [Window] = []
    while true {
      let start = cursor.offset
      guard let header = try cursor.nextHeader() else { return windows }
      if var window = windows.popLast() {
        guard window.end - window.start < windowSize else {
          windows += [window, Window(start: start, end: cursor.offset, header)]
          continue
        }
        window.end = cursor.offset
        window.earliest = min(window.earliest, header.realtime)
        window.latest = max(window.latest, header.realtime)
        windows.append(window)
      } else {
        windows.append(Window(start: start, end: cursor.offset, header))
      }
    }
  }

  /// How many lines that match begin in a window.
  private static func lines(
    of selection: LogSelection, in window: Window, _ path: String
  ) throws(SystemCallError) -> Int {
    var cursor = try RecordCursor(path, from: window.start)
    var count = 0
    while cursor.offset < window.end, case .record(let record) = try cursor.next() {
      guard selection.includes(record.header.realtime), !record.body.isEmpty else { continue }
      if !record.header.flags.contains(.continuesLine) { count += 1 }
      // A newline at the very end begins no line in this chunk.
      var start = record.body.lowerBound
      while let end = cursor.block.firstIndex(of: UInt8(ascii: "\n"), in: start..<(record.body.upperBound - 1)) {
        count += 1
        start = end + 1
      }
    }
    return count
  }
}

extension LogIndex.Window {
  fileprivate init(start: UInt64, end: UInt64, _ header: LogRecordHeader) {
    self.init(start: start, end: end, earliest: header.realtime, latest: header.realtime)
  }

  fileprivate func mayMatch(_ selection: LogSelection) -> Bool {
    if let since = selection.since, latest < since { return false }
    if let until = selection.until, earliest > until { return false }
    return true
  }
}
