/// A line and the container that wrote it.
package struct MergedLine: Sendable, Hashable {
  /// The position of the container's reader.
  package let source: Int
  package let line: LogLine
}

/// The lines of several containers in the order of time; of lines with the same time, that of the first reader comes first.
package struct LogMerger {
  private var readers: [LogReader]
  /// The next line of each reader that has one.
  private var heads: [LogLine?]
  /// A binary heap of the readers that have a head: none has an earlier head than its parent.
  private var heap: [Int] = []
  /// Readers without a head that may have one now.
  private var unread: [Int]

  package init(_ readers: [LogReader] = []) {
    self.readers = readers
    heads = Array(repeating: nil, count: readers.count)
    unread = Array(readers.indices)
  }

  /// Adds a reader and returns its position.
  package mutating func add(_ reader: LogReader) -> Int {
    readers.append(reader)
    heads.append(nil)
    unread.append(readers.count - 1)
    return readers.count - 1
  }

  /// See `LogReader.refresh`.
  package mutating func refresh(_ source: Int, hasNewSegments: Bool) throws {
    guard readers.indices.contains(source) else { return }
    try readers[source].refresh(hasNewSegments: hasNewSegments)
    markUnread(source)
  }

  /// See `LogReader.end`.
  package mutating func end(_ source: Int) throws {
    guard readers.indices.contains(source) else { return }
    try readers[source].end()
    markUnread(source)
  }

  private mutating func markUnread(_ source: Int) {
    if heads[source] == nil && !unread.contains(source) { unread.append(source) }
  }

  /// The earliest line; nil when no reader has one now.
  package mutating func next() throws -> MergedLine? {
    while let source = unread.popLast() {
      guard let head = try readers[source].next() else { continue }
      heads[source] = head
      heap.append(source)
      rise(heap.count - 1)
    }
    guard let source = heap.first, let line = heads[source] else { return nil }
    heads[source] = try readers[source].next()
    if heads[source] == nil {
      heap.swapAt(0, heap.count - 1)
      heap.removeLast()
    }
    sink(0)
    return MergedLine(source: source, line: line)
  }

  private func precedes(_ left: Int, _ right: Int) -> Bool {
    let leftTime = heads[left]?.monotonic ?? .max
    let rightTime = heads[right]?.monotonic ?? .max
    return leftTime != rightTime ? leftTime < rightTime : left < right
  }

  private mutating func rise(_ start: Int) {
    var child = start
    while child > 0, precedes(heap[child], heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func sink(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      let left = 2 * parent + 1
      if left < heap.count, precedes(heap[left], heap[least]) { least = left }
      if left + 1 < heap.count, precedes(heap[left + 1], heap[least]) { least = left + 1 }
      if least == parent { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
