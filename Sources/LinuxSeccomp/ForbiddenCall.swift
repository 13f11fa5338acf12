import CSeccomp
import Glibc
import LinuxSystem

/// The system call for which a filter has killed a process.
///
/// The parent of a process does not get to know it: siginfo(7) has the call only for the process itself, and of one that has
/// ended /proc has none. What would tell (SECCOMP_RET_USER_NOTIF, ptrace(2)) costs each container something, or makes the
/// death another one. The kernel writes it into its log, though, whether anybody asks or not (audit record 1326), unless it
/// has no audit, or an audit daemon takes the records.
package enum ForbiddenCall {
  /// The name of the call; nil when the log does not have it.
  package static func name(ofProcess pid: pid_t) -> String? {
    // Best effort: the name is a help for the reader.
    guard let messages = try? KernelLog.messages(containing: "type=1326") else { return nil }
    return messages.reversed().lazy.compactMap { name(in: $0, ofProcess: pid) }.first
  }

  /// The name of the call in one record of the log, if it is about this process.
  package static func name(in record: String, ofProcess pid: pid_t) -> String? {
    var fields: [Substring: Substring] = [:]
    for word in record.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { fields[parts[0]] = parts[1] }
    }
    guard fields["type"] == "1326", fields["pid"] == "\(pid)", let number = fields["syscall"].flatMap({ CInt($0) }),
      let architecture = fields["arch"].flatMap({ UInt32($0, radix: 16) })
    else { return nil }
    return SeccompCalls.name(number, architecture) ?? "\(number)"
  }
}
