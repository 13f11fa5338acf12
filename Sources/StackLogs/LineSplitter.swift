import LinuxSystem

/// Makes lines of the chunks of one container, each with the time of the chunk in which it began, and in the order of beginning.
///
/// A line that another stream began earlier and has not ended holds back those that began later, so that the order is
/// exact; but not more of them than `holdLimit`, and none when `pop` is told to give what there is.
struct LineSplitter: Sendable {
  /// A line with more bytes is cut into several values.
  static let lineLimit = 1 << 20
  /// Bytes of lines that wait for another stream's line to end.
  static let holdLimit = 4 << 20

  private struct OpenLine: Sendable {
    var line: LogLine
    var bytes: [UInt8]
    let ordinal: Int
    let isSelected: Bool
  }

  private struct Stream: Sendable {
    var open: OpenLine?
    /// Whole lines with the number of the chunk in which they began; those before `first` are gone.
    var lines: [(ordinal: Int, line: LogLine)] = []
    var first = 0

    var next: Int? { first < lines.count ? lines[first].ordinal : nil }

    mutating func push(_ ordinal: Int, _ line: LogLine) { lines.append((ordinal, line)) }

    mutating func pop() -> LogLine {
      let line = lines[first].line
      first += 1
      if first == lines.count {
        lines.removeAll(keepingCapacity: true)
        first = 0
      }
      return line
    }
  }

  private let selection: LogSelection
  /// So many more lines that match are left out.
  private var dropped: Int
  /// By the raw value of the stream, less one.
  private var streams = [Stream](repeating: Stream(), count: LogStream.allCases.count)
  private var ordinal = 0
  private var held = 0

  /// - Parameter dropping: how many lines that match the selection to leave out first; its `tail` is not looked at.
  init(_ selection: LogSelection = .all, dropping: Int = 0) {
    self.selection = selection
    dropped = dropping
  }

  // MARK: - Chunks in

  /// Takes a chunk, which lies in `block`.
  mutating func feed(_ header: LogRecordHeader, _ block: [UInt8], _ body: Range<Int>) {
    ordinal += 1
    if header.flags.contains(.afterLoss) { endOpenLines() }
    if body.isEmpty { return }
    let index = Int(header.stream.rawValue) - 1
    var start = body.lowerBound
    if header.flags.contains(.continuesLine) {
      // Without a beginning, which was removed or is before what was asked for, the rest of a line is nothing.
      let end = block.firstIndex(of: UInt8(ascii: "\n"), in: body)
      extendOpenLine(index, block, start..<(end ?? body.upperBound), isWhole: end != nil)
      start = end.map { $0 + 1 } ?? body.upperBound
    } else {
      endOpenLine(index, .missing)
    }
    let isInTime = selection.includes(header.realtime)
    while start < body.upperBound {
      let end = block.firstIndex(of: UInt8(ascii: "\n"), in: start..<body.upperBound)
      let isSelected = isInTime && select()
      let range = start..<(end ?? body.upperBound)
      if end == nil || isSelected {
        let line = LogLine(
          header.stream, realtime: header.realtime, monotonic: header.monotonic, bytes: end == nil ? [] : block[range])
        if end == nil {
          let bytes = isSelected ? Array(block[range]) : []
          streams[index].open = OpenLine(line: line, bytes: bytes, ordinal: ordinal, isSelected: isSelected)
        } else {
          push(index, ordinal, line)
        }
      }
      start = range.upperBound + 1
    }
  }

  /// Whether a line that matches is one of those to give.
  private mutating func select() -> Bool {
    if dropped == 0 { return true }
    dropped -= 1
    return false
  }

  private mutating func extendOpenLine(_ index: Int, _ block: [UInt8], _ range: Range<Int>, isWhole: Bool) {
    if streams[index].open?.isSelected == true {
      streams[index].open?.bytes.append(contentsOf: block[range])
    }
    if isWhole {
      endOpenLine(index, .newline)
    } else if let open = streams[index].open, open.bytes.count >= Self.lineLimit {
      endOpenLine(index, .cut)
      streams[index].open = OpenLine(line: open.line, bytes: [], ordinal: open.ordinal, isSelected: open.isSelected)
    }
  }

  private mutating func endOpenLine(_ index: Int, _ ending: LogLine.Ending) {
    guard let open = streams[index].open else { return }
    streams[index].open = nil
    guard open.isSelected else { return }
    var line = open.line
    line.bytes = open.bytes[...]
    line.ending = ending
    push(index, open.ordinal, line)
  }

  private mutating func push(_ index: Int, _ ordinal: Int, _ line: LogLine) {
    held += line.bytes.count
    streams[index].push(ordinal, line)
  }

  /// What was begun will not be continued: the run ended, or output is missing.
  mutating func endOpenLines() {
    for index in streams.indices { endOpenLine(index, .missing) }
  }

  // MARK: - Lines out

  /// The next line in order.
  /// - Parameter all: whether to give also what an unfinished line of another stream holds back.
  mutating func pop(all: Bool) -> LogLine? {
    var best: (index: Int, ordinal: Int)?
    var oldestOpen = Int.max
    for index in streams.indices {
      if let next = streams[index].next {
        if next < best?.ordinal ?? .max { best = (index, next) }
      } else if let open = streams[index].open, open.isSelected {
        oldestOpen = min(oldestOpen, open.ordinal)
      }
    }
    guard let best, all || best.ordinal < oldestOpen || held > Self.holdLimit else { return nil }
    let line = streams[best.index].pop()
    held -= line.bytes.count
    return line
  }
}
