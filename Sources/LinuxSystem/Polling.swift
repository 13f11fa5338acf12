import Glibc
import SystemPackage

/// poll(2) over a few descriptors.
package enum Polling {
  /// Waits until one of `descriptors` can be read, has an error, or is at its end.
  ///
  /// - Parameter milliseconds: how long to wait; a negative number waits for ever.
  /// - Returns: for each descriptor whether it is ready; all false after the time, or when a signal came.
  package static func readable(_ descriptors: [FileDescriptor], milliseconds: Int = -1) throws(SystemCallError)
    -> [Bool]
  {
    var polls = descriptors.map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
    let limit = CInt(clamping: milliseconds)
    let count = unsafe Glibc.poll(&polls, nfds_t(polls.count), limit)
    if count < 0 && errno != EINTR { throw SystemCallError("poll", .latest) }
    return polls.map { count > 0 && $0.revents != 0 }
  }
}
