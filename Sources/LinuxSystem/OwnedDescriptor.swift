import CLinuxShim
import Glibc
import SystemPackage

/// A file descriptor that is closed when its owner goes out of scope.
///
/// `FileDescriptor` names a descriptor, this owns it: `consuming` gives it away, `borrowing` lends it.
package struct OwnedDescriptor: ~Copyable, Sendable {
  /// The descriptor, for as long as its owner lives.
  package let borrowed: FileDescriptor

  package init(owning descriptor: FileDescriptor) {
    self.borrowed = descriptor
  }

  package init(owning rawValue: CInt) {
    self.borrowed = FileDescriptor(rawValue: rawValue)
  }

  deinit {
    // The number is free after close(2) even when it fails (man 2 close): nothing is left to do about an error.
    _ = Glibc.close(borrowed.rawValue)
  }

  /// Gives the descriptor up without closing it.
  package consuming func release() -> FileDescriptor {
    let descriptor = borrowed
    discard self
    return descriptor
  }

  /// A second descriptor for the same open file, close-on-exec.
  package borrowing func duplicate() throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(owning: try checked("fcntl", stk_fcntl(borrowed.rawValue, F_DUPFD_CLOEXEC, 3)))
  }
}

/// An owned descriptor that can be put into collections and shared within one thread.
package final class SharedDescriptor {
  /// The descriptor until it is closed, then -1, which every call refuses.
  package private(set) var borrowed: FileDescriptor

  package init(_ owned: consuming OwnedDescriptor) {
    borrowed = owned.release()
  }

  deinit { close() }

  /// Closes the descriptor now; later calls do nothing.
  package func close() {
    if borrowed.rawValue >= 0 { _ = OwnedDescriptor(owning: borrowed) }
    borrowed = FileDescriptor(rawValue: -1)
  }
}

extension OwnedDescriptor {
  /// A second descriptor for an open file that somebody else owns, close-on-exec.
  package init(duplicating descriptor: FileDescriptor) throws(SystemCallError) {
    self.init(owning: try checked("fcntl", stk_fcntl(descriptor.rawValue, F_DUPFD_CLOEXEC, 3)))
  }
}

package enum DescriptorTable {
  /// Every descriptor from `first` on is closed by the next execve(2).
  package static func closeOnExec(from first: Int) {
    // Fails only on kernels before 5.11, which the engine does not run on.
    _ = stk_close_range(UInt32(clamping: first), .max, CLOSE_RANGE_CLOEXEC)
  }

  /// Closes what the caller of the program had open, from `first` on: all that this program opens itself is close-on-exec.
  package static func closeInherited(from first: Int) {
    // Best effort: without a procfs what is inherited goes with the next execve(2).
    for number in ((try? Files.names(in: "/proc/self/fd")) ?? []).compactMap({ CInt($0) }) where number >= first {
      let flags = stk_fcntl(number, F_GETFD, 0)
      if flags >= 0 && flags & FD_CLOEXEC == 0 { close(number) }
    }
    closeOnExec(from: first)
  }
}
