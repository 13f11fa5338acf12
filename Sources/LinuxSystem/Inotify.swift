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
