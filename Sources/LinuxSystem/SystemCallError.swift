import Glibc
import SystemPackage

/// A system call that failed: which, on what, and the kernel's reason.
package struct SystemCallError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name of the call as in its man page, section 2.
  package let call: String
  /// What it was made on, most often a path.
  package let object: String?
  package let errno: Errno

  package init(_ call: String, on object: String? = nil, _ errno: Errno) {
    self.call = call
    self.object = object
    self.errno = errno
  }

  /// Whether it failed for want of descriptors or memory, and says nothing of what it was made on.
  package var isShortage: Bool {
    [.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory].contains(errno)
  }

  /// `open /etc/passwd: No such file or directory`
  package var description: String {
    object.map { "\(call) \($0): \(errno)" } ?? "\(call): \(errno)"
  }
}

/// The result of a function of CLinuxShim, or the error it carries.
///
/// - Parameter result: the value returned: at or above zero, or an error number negated.
@discardableResult
package func checked<Result: SignedInteger>(
  _ call: String, on object: @autoclosure () -> String? = nil, _ result: Result
) throws(SystemCallError) -> Result {
  if result < 0 { throw SystemCallError(call, on: object(), Errno(rawValue: CInt(-result))) }
  return result
}

/// The result of a libc function that reports through `errno`.
@discardableResult
package func checkedErrno<Result: SignedInteger>(
  _ call: String, on object: @autoclosure () -> String? = nil, _ result: Result
) throws(SystemCallError) -> Result {
  if result < 0 { throw SystemCallError(call, on: object(), .latest) }
  return result
}

extension Errno {
  /// ENODEV, by the words of its man page.
  package static var noDevice: Errno { Errno(rawValue: Glibc.ENODEV) }

  /// What the last libc function that failed on this thread left in `errno`.
  package static var latest: Errno { Errno(rawValue: Glibc.errno) }
}
