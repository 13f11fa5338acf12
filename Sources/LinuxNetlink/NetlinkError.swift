import SystemPackage

/// A request that the kernel refused: what it was for, and why.
package struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// For example `create bridge stk-1a2b3c4d`.
  package let intent: String
  package let errno: Errno
  /// The kernel's own words (NLMSGERR_ATTR_MSG), if it had any.
  package let kernelMessage: String?

  package init(_ intent: String, _ errno: Errno, kernelMessage: String? = nil) {
    self.intent = intent
    self.errno = errno
    self.kernelMessage = kernelMessage
  }

  package var description: String {
    "\(intent): \(errno)" + (kernelMessage.map { " (\($0))" } ?? "")
  }
}
