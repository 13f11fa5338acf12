import Glibc
import LinuxSystem
import SystemPackage

/// What one container writes from now on, piece by piece as it came: for a terminal, which shows what is no line yet too.
package final class ChunkFollower {
  package struct Chunk {
    package let isError: Bool
    package let bytes: ArraySlice<UInt8>
  }

  private let directory: String
  private let inotify: Inotify
  private var segment: LogSegment?
  private var cursor: RecordCursor?

  /// - Parameter directory: of the container's segments; exists.
  package init(directory: String) throws(SystemCallError) {
    self.directory = directory
    inotify = try Inotify()
    // The watch first: what is written between it and the look is seen twice, not missed.
    _ = try inotify.add(directory, UInt32(IN_CREATE | IN_MODIFY | IN_MOVED_TO))
    segment = try LogSegment.all(in: directory).last
    guard let segment else { return }
    var cursor = try RecordCursor("\(directory)/\(segment.name)")
    while try cursor.nextHeader() != nil {}
    self.cursor = cursor
  }

  /// Readable when there may be something new.
  package var descriptor: FileDescriptor { inotify.descriptor }

  /// Gives what was written since the last call.
  package func chunks(_ take: (Chunk) throws -> Void) throws {
    _ = try inotify.changes()
    while true {
      try cursor?.lookAtSize()
      while case .record(let record)? = try cursor?.next() {
        guard let block = cursor?.block else { break }
        try take(Chunk(isError: record.header.stream == .standardError, bytes: block[record.body]))
      }
      guard let next = try LogSegment.all(in: directory).first(where: { next in segment.map { next > $0 } ?? true })
      else { return }
      cursor = try RecordCursor("\(directory)/\(next.name)")
      segment = next
    }
  }
}
