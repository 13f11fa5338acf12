import Glibc
import LinuxNetlink
import LinuxSystem
import SystemPackage

/// Interfaces of the host that become a container's. With its network namespace they end, or go back to the host: that is the
/// kernel's to do.
struct MovedDevices {
  private let interfaces: [MovingInterface]

  /// Looks them up, in the host's namespace.
  /// - Returns: nil when there are none.
  init?(_ devices: [NetworkDevice]) throws(LaunchError) {
    if devices.isEmpty { return nil }
    interfaces = try attempt("look up network devices") {
      let socket = try RouteSocket()
      return try devices.map { try socket.movingInterface(named: $0.hostName, as: $0.name) }
    }
  }

  /// In the host's namespace: moves them to where the process is.
  func move(to pid: pid_t) throws(LaunchError) {
    try attempt("move network devices") {
      let socket = try RouteSocket()
      for interface in interfaces { try socket.move(interface, to: pid) }
    }
  }

  /// In the container's namespace.
  func configure() throws(LaunchError) {
    try attempt("configure network devices") {
      let socket = try RouteSocket()
      for interface in interfaces { try socket.settle(interface) }
    }
  }
}
