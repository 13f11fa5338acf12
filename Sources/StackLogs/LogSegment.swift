import LinuxSystem
import SystemPackage

/// One file of a container's log: what one run of the container wrote, or a part of that.
///
/// A segment is written by one process, once: nothing is ever appended after what a killed writer left half done.
package struct LogSegment: Sendable, Hashable, Comparable {
  /// The number of the run of the container.
  package var run: UInt32
  /// From 0; the parts of one run follow each other without a gap.
  package var part: UInt32

  package init(run: UInt32, part: UInt32 = 0) {
    self.run = run
    self.part = part
  }

  /// `7.log`, and `7.1.log` for what follows it.
  package var name: String {
    part == 0 ? "\(run).log" : "\(run).\(part).log"
  }

  /// nil when `name` is not one that `name` gives.
  package init?(name: String) {
    let pieces = name.split(separator: ".", omittingEmptySubsequences: false)
    guard pieces.count == 2 || pieces.count == 3, pieces.last == "log", let run = UInt32(pieces[0]) else { return nil }
    self.run = run
    part = 0
    if pieces.count == 3 {
      guard let number = UInt32(pieces[1]) else { return nil }
      part = number
    }
    guard self.name == name else { return nil }
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.run, left.part) < (right.run, right.part)
  }

  /// The segments in a directory, oldest first. A directory that does not exist has none.
  package static func all(in directory: String) throws(SystemCallError) -> [LogSegment] {
    do throws(SystemCallError) {
      return try Files.names(in: directory).compactMap { LogSegment(name: $0) }.sorted()
    } catch  where error.errno == .noSuchFileOrDirectory {
      return []
    }
  }
}
