import CLinuxShim
import Glibc

/// What ps(1) shows of this process.
package enum ProcessTitle {
  /// Overwrites the arguments of this process and its name (prctl(2) PR_SET_NAME) with `title`, cut off to the space there is.
  ///
  /// For a process that goes on without execve(2) in a container: the arguments of its program are of no concern there.
  package static func set(_ title: String) {
    let arguments = unsafe CommandLine.unsafeArgv
    let count = Int(CommandLine.argc)
    guard count > 0, let first = unsafe arguments[0], let last = unsafe arguments[count - 1] else { return }
    // The kernel lays the arguments out one after the other (execve(2)).
    let space = unsafe last - first + strlen(last)
    guard space > 0 else { return }
    unsafe memset(first, 0, space)
    for (index, byte) in title.utf8.prefix(space).enumerated() { unsafe first[index] = CChar(bitPattern: byte) }
    // Best effort: a name is for people.
    _ = unsafe stk_set_name(title)
  }
}
