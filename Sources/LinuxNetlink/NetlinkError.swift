import SystemPackage

/// A request over netlink that failed.
package struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was asked for: `create bridge stk-1234`.
  package let intent: String
  /// The kernel's error number. libnl has numbers of its own, into which several of these collapse; they are not used.
  package let errno: Errno
  /// What is said beyond the number, most often by the kernel (NLMSGERR_ATTR_MSG, netlink(7)).
  package let detail: String?

  package init(_ intent: String, _ errno: Errno, detail: String? = nil) {
    self.intent = intent
    self.errno = errno
    self.detail = detail
  }

  /// `create bridge stk-1234: File exists`
  package var description: String {
    detail.map { "\(intent): \(errno) (\($0))" } ?? "\(intent): \(errno)"
  }
}

extension Errno {
  /// ENODEV: there is no such interface. (SystemPackage names it after what it means elsewhere.)
  package static var noSuchDevice: Errno { .operationNotSupportedByDevice }
}
