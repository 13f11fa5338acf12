import Glibc
import LinuxSystem
import SystemPackage

/// The lines of containers that still write, as they come (inotify(7)): never by looking again after a time.
///
/// Wait until `descriptor` can be read, then call `next` until it gives nil. That is a round: all that was written up to its start,
/// in the order of time. Containers that write without a pause do not make a round longer: between rounds there is time for
/// signals, and for what else the caller waits for.
package struct LogFollower: ~Copyable {
  private let inotify: Inotify
  private var merger = LogMerger()
  private var sources: [CInt: [Int]] = [:]
  private var isEnded: [Bool] = []
  private var isInRound = false
  private var isDry = true

  package init() throws(SystemCallError) {
    inotify = try Inotify()
  }

  /// Becomes readable when something was written.
  package var descriptor: FileDescriptor { inotify.descriptor }

  /// Whether all writers ended, and all that they wrote was given.
  package var isFinished: Bool { isDry && isEnded.allSatisfy { $0 } }

  /// Adds a container, whose selected lines so far come first.
  /// - Parameter directory: exists.
  /// - Returns: the source of its lines: 0 for the first container, and so on.
  package mutating func add(directory: String, selection: LogSelection = .all) throws -> Int {
    // The watch first: what is written between it and the reading is looked for twice, not missed.
    let watch = try inotify.add(directory, UInt32(IN_CREATE | IN_MODIFY | IN_MOVED_TO))
    let source = merger.add(try LogReader(directory: directory, selection: selection, isLive: true))
    sources[watch, default: []].append(source)
    isEnded.append(false)
    isDry = false
    return source
  }

  /// Tells that nothing more is written to a log: its writer is gone, and will not come back.
  package mutating func end(_ source: Int) throws {
    guard isEnded.indices.contains(source), !isEnded[source] else { return }
    isEnded[source] = true
    isDry = false
    try merger.end(source)
  }

  /// The next line; nil at the end of a round. When more came meanwhile, `descriptor` can be read.
  package mutating func next() throws -> MergedLine? {
    if !isInRound {
      try refresh()
      isInRound = true
    }
    if let line = try merger.next() { return line }
    isInRound = false
    isDry = true
    return nil
  }

  /// Lets the readers see what was written up to now.
  private mutating func refresh() throws {
    for change in try inotify.changes() {
      let overflow = change.watch < 0
      let hasNewSegments = overflow || change.events & UInt32(IN_CREATE | IN_MOVED_TO) != 0
      for source in overflow ? Array(isEnded.indices) : sources[change.watch] ?? [] {
        try merger.refresh(source, hasNewSegments: hasNewSegments)
      }
    }
  }
}
