import CLinuxShim
import LinuxSystem

/// A seccomp filter as the kernel takes it: ready BPF, compiled once and loaded by every container that has its profile.
package struct CompiledFilter: Hashable, Sendable {
  /// Instructions of eight bytes (struct sock_filter).
  package let instructions: [UInt8]
  /// SECCOMP_FILTER_FLAG_*.
  package let flags: UInt32

  package init(instructions: [UInt8], flags: UInt32) {
    self.instructions = instructions
    self.flags = flags
  }

  /// Filters the calling thread's system calls from now on, for good (seccomp(2)).
  ///
  /// Needs CAP_SYS_ADMIN in the thread's user namespace, or no_new_privs.
  package func load() throws(SystemCallError) {
    let count = UInt16(clamping: instructions.count / 8)
    try checked("seccomp", unsafe stk_seccomp_set_filter(flags, instructions, count))
  }
}

extension CompiledFilter: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(instructions: try reader.data(), flags: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.data(instructions)
    writer.value(flags)
  }
}
