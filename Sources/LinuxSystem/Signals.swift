import CLinuxShim
import SystemPackage

/// Signals taken as data: blocked, and read from a descriptor (signalfd(2)).
package final class SignalDescriptor {
  private let owned: OwnedDescriptor

  /// Blocks `signals` for the calling thread and opens a descriptor that tells of them.
  package init(_ signals: [CInt]) throws(SystemCallError) {
    owned = OwnedDescriptor(owning: try checked("signalfd", unsafe stk_signalfd(signals, signals.count)))
  }

  package var descriptor: FileDescriptor { owned.borrowed }

  /// The number of the next pending signal, or nil.
  package func next() -> CInt? {
    let signal = stk_signalfd_next(descriptor.rawValue)
    return signal > 0 ? signal : nil
  }
}

package enum Signals {
  /// Unblocks all signals. Together with the default dispositions that a cloned process has, this is what execve(2) should
  /// start from.
  package static func unblockAll() {
    // Fails only for an invalid argument.
    _ = stk_unblock_signals()
  }
}
