import LinuxSystem

/// Why systemd did not do something.
package enum SystemdError: Error, Equatable, CustomStringConvertible {
  case system(SystemCallError)
  case refused(String)
  /// What it said is no D-Bus.
  case malformed

  package var description: String {
    switch self {
    case .system(let error): "\(error)"
    case .refused(let reason): "systemd: \(reason)"
    case .malformed: "systemd: its answer cannot be read"
    }
  }
}
