import CLinuxShim
import Glibc
import LinuxSystem

/// As whom the calling process makes files.
package enum FileSystemUser {
  /// Runs something whose new files belong at first to the user and group of this number (setfsuid(2), setfsgid(2)), with all
  /// capabilities. A mount whose owners are mapped takes no file of an owner that it does not map, not even for a moment.
  ///
  /// Needs CAP_SETUID and CAP_SETGID, if it is a change. For processes with one thread.
  package static func with<Result>(_ id: UInt32, _ body: () throws -> Result) throws -> Result {
    let (user, group) = (geteuid(), getegid())
    if (user, group) == (id, id) { return try body() }
    let capabilities = try ProcessCapabilities.current()
    try checked("setfsuid", on: "\(id)", stk_setfsids(id, id))
    // Back to what every process may be: there is nothing that could fail, and with user 0 come its capabilities.
    defer { _ = stk_setfsids(user, group) }
    // The change took those over files away.
    try ProcessCapabilities.apply(capabilities)
    return try body()
  }
}
