import Glibc
import SystemPackage

/// Tells when files change (inotify(7)).
package final class Inotify {
  private let owned: OwnedDescriptor

  package init() throws(SystemCallError) {
    owned = OwnedDescriptor(
      owning: try checkedErrno("inotify_init1", inotify_init1(CInt(IN_CLOEXEC) | CInt(IN_NONBLOCK))))
  }

  package var descriptor: FileDescriptor { owned.borrowed }

  /// Starts to watch `path` for `events` (IN_*).
  package func watch(_ path: String, _ events: UInt32) throws(SystemCallError) {
    try checkedErrno("inotify_add_watch", on: path, unsafe inotify_add_watch(descriptor.rawValue, path, events))
  }

  /// Forgets what was told so far. What changed is for the caller to look at.
  package func drain() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    while unsafe Glibc.read(descriptor.rawValue, &buffer, buffer.count) > 0 {}
  }
}

/// A watched directory or file to which something happened.
package struct InotifyChange: Sendable, Hashable {
  /// What `Inotify.add` returned; -1 when changes were lost (`IN_Q_OVERFLOW`), and anything may have changed.
  package let watch: CInt
  /// All that happened (IN_*), together.
  package var events: UInt32
}

extension Inotify {
  /// Like `watch`, and tells the number of the watch: the same for the same file.
  package func add(_ path: String, _ events: UInt32) throws(SystemCallError) -> CInt {
    try checkedErrno("inotify_add_watch", on: path, unsafe inotify_add_watch(descriptor.rawValue, path, events))
  }

  /// What changed since the last call, one value a watch, in the order of the first change. Does not wait.
  package func changes() throws(SystemCallError) -> [InotifyChange] {
    var changes: [InotifyChange] = []
    var indices: [CInt: Int] = [:]
    for entry in try entries() {
      if let index = indices[entry.watch] {
        changes[index].events |= entry.events
      } else {
        indices[entry.watch] = changes.count
        changes.append(InotifyChange(watch: entry.watch, events: entry.events))
      }
    }
    return changes
  }
}

/// A name in a watched directory to which something happened.
package struct InotifyEntry: Sendable, Hashable {
  /// -1 when changes were lost, and anything may have changed.
  package let watch: CInt
  package let events: UInt32
  /// Empty when it happened to the watched directory itself.
  package let name: String
}

extension Inotify {
  /// What happened since the last call, in order, with names. Does not wait.
  package func entries() throws(SystemCallError) -> [InotifyEntry] {
    var entries: [InotifyEntry] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let outcome = retrying { unsafe Glibc.read(descriptor.rawValue, &buffer, buffer.count) }
      if outcome.value < 0 && outcome.errno == EAGAIN { return entries }
      let count = try outcome.read(or: "read", on: "inotify")
      if count == 0 { return entries }
      unsafe buffer.withUnsafeBytes { bytes in
        var offset = 0
        while offset + MemoryLayout<inotify_event>.size <= count {
          let event = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
          offset += MemoryLayout<inotify_event>.size
          let name = unsafe bytes[offset..<(offset + Int(event.len))].prefix { $0 != 0 }
          entries.append(
            InotifyEntry(watch: event.wd, events: event.mask, name: unsafe String(decoding: name, as: UTF8.self)))
          offset += Int(event.len)
        }
      }
    }
  }

  /// Stops a watch; one that is gone already is success.
  package func remove(_ watch: CInt) {
    _ = inotify_rm_watch(descriptor.rawValue, watch)
  }
}
