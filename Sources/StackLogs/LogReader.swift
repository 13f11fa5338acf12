import LinuxSystem
import SystemPackage

/// The lines of one container, from the segments of its log, in the order in which they began.
///
/// Reads what is there when it is made, or when `refresh` is called: a container that writes all the time does not keep a
/// reader from its end. A record that its writer could not finish is left out.
package struct LogReader {
  private let directory: String
  private var splitter: LineSplitter
  /// The segment being read; nil before the first one.
  private var cursor: RecordCursor?
  private var segment: LogSegment?
  /// Those that follow it, oldest first.
  private var following: [LogSegment]
  /// Where to start in the first of them.
  private var firstOffset: UInt64
  private var isLive: Bool
  private var isDamageReported = false

  /// - Parameters:
  ///   - directory: of the container's segments; one that does not exist is an empty log.
  ///   - isLive: whether more may come, so that a line without an end is kept until it has one, or `end` is called.
  package init(
    directory: String, selection: LogSelection = .all, isLive: Bool = false
  ) throws(SystemCallError) {
    self.directory = directory
    self.isLive = isLive
    let segments = try LogSegment.all(in: directory)
    let start = try LogIndex.start(of: selection, in: segments, directory: directory)
    following = Array(segments[min(start.segment, segments.count)...])
    firstOffset = start.offset
    splitter = LineSplitter(selection, dropping: start.dropping)
  }

  /// Makes what was written meanwhile readable.
  /// - Parameter hasNewSegments: whether to look for segments that were not there before.
  package mutating func refresh(hasNewSegments: Bool) throws(SystemCallError) {
    if hasNewSegments {
      let newest = following.last ?? segment
      following += try LogSegment.all(in: directory).filter { segment in newest.map { segment > $0 } ?? true }
    }
    // After the list: a segment that another one follows is complete by now.
    try cursor?.lookAtSize()
  }

  /// Nothing is written any more: after what is there now, unfinished lines are given too.
  package mutating func end() throws(SystemCallError) {
    try refresh(hasNewSegments: true)
    isLive = false
  }

  /// The next line; nil when there is none, or none yet.
  package mutating func next() throws(SystemCallError) -> LogLine? {
    while true {
      if let line = splitter.pop(all: false) { return line }
      if try feed() { continue }
      if !isLive { splitter.endOpenLines() }
      return splitter.pop(all: true)
    }
  }

  /// Reads one more chunk; false when there is none.
  private mutating func feed() throws(SystemCallError) -> Bool {
    while true {
      if cursor != nil {
        switch try cursor?.next() {
        case .record(let record):
          splitter.feed(record.header, cursor?.block ?? [], record.body)
          return true
        case .damaged where !isDamageReported:
          isDamageReported = true
          reportDamage()
          return true
        case .end, .damaged, nil:
          break
        }
      }
      guard try openNext() else { return false }
    }
  }

  private mutating func openNext() throws(SystemCallError) -> Bool {
    while !following.isEmpty {
      let next = following.removeFirst()
      let offset = firstOffset
      firstOffset = 0
      do throws(SystemCallError) {
        cursor = try RecordCursor("\(directory)/\(next.name)", from: offset)
      } catch  where error.errno == .noSuchFileOrDirectory {
        // Removed meanwhile, to keep the log within its limit.
        continue
      }
      // A line goes on in the next part of a run, unless parts between were removed.
      if segment.map({ next.run != $0.run || next.part != $0.part + 1 }) ?? false { splitter.endOpenLines() }
      segment = next
      isDamageReported = false
      return true
    }
    return false
  }

  private mutating func reportDamage() {
    let name = segment?.name ?? ""
    let text = Array("stack: the log \(name) is damaged from byte \(cursor?.offset ?? 0) on\n".utf8)
    let header = LogRecordHeader(
      .notice, flags: .afterLoss, count: text.count, realtime: KernelClock.realtime, monotonic: KernelClock.monotonic)
    splitter.feed(header, text, text.indices)
  }
}
