import CLinuxShim
import LinuxSystem
import SystemPackage

/// A filter as the kernel takes it, ready to be loaded.
package struct CompiledFilter: Hashable, Sendable {
  /// Each instruction is a struct sock_filter, 8 bytes.
  package let instructions: [UInt8]
  package let flags: SeccompFlags

  /// BPF_MAXINSNS.
  static let limit = 4096

  package init(instructions: [UInt8], flags: SeccompFlags) {
    self.instructions = instructions
    self.flags = flags
  }

  /// Puts the filter on the calling thread; there is no way back. Its children, and what it executes, have it too.
  ///
  /// Needs no_new_privs, or CAP_SYS_ADMIN in the thread's user namespace, at this moment. All that follows, up to execve(2),
  /// must be allowed by the filter.
  package func load() throws(SystemCallError) {
    let count = UInt16(clamping: instructions.count / 8)
    try checked("seccomp", unsafe stk_seccomp_set_filter(flags.rawValue, instructions, count))
  }
}

extension CompiledFilter {
  /// Loads a filter that asks a listener, and returns that (SECCOMP_FILTER_FLAG_NEW_LISTENER): until it is served, the
  /// calling thread waits at its next call. `stk_send_listener` does not.
  package func loadListening() throws(SystemCallError) -> OwnedDescriptor {
    let count = UInt16(clamping: instructions.count / 8)
    let listener = unsafe stk_seccomp_set_filter(flags.rawValue | 1 << 3, instructions, count)
    return OwnedDescriptor(owning: try checked("seccomp", listener))
  }
}

extension CompiledFilter: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    flags = SeccompFlags(rawValue: try reader.integer())
    instructions = try reader.data()
    guard instructions.count % 8 == 0, !instructions.isEmpty, instructions.count / 8 <= Self.limit else {
      throw reader.error("instructions")
    }
  }
  package func write(to writer: inout WireWriter) {
    writer.integer(flags.rawValue)
    writer.data(instructions)
  }
}
