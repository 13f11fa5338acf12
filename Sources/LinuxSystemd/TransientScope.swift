import Glibc
import LinuxSystem

/// A scope of systemd, in which it lets us make cgroups as we like (`Delegate=`, systemd.resource-control(5)).
///
/// systemd makes it when a process is given, and removes it when the last process has left it.
package struct TransientScope {
  /// `NAME.scope`.
  package let unit: String
  /// `NAME.slice`: the group above.
  package let slice: String
  package let description: String
  /// The group in the scope for processes that are nobody's but the engine's.
  package let inner: String

  package init(unit: String, slice: String, description: String, inner: String) {
    self.unit = unit
    self.slice = slice
    self.description = description
    self.inner = inner
  }

  /// Where systemd listens for root.
  package static let socket = "/run/systemd/private"

  private static let patience: UInt64 = 10_000_000_000
  private static let errors = "org.freedesktop.systemd1."

  /// What it became.
  package enum Entry: Sendable, Equatable {
    /// The process is in the scope itself, which is new: it has to leave it for a group below before that has others.
    case made
    /// The process is in the inner group of a scope that was there.
    case joined
  }

  /// Puts a process into the scope, which is made if it is not there. Needs root.
  package func enter(_ pid: pid_t, socket: String = Self.socket) throws(SystemdError) -> Entry {
    let deadline = KernelClock.monotonic + Self.patience
    var systemd = try BusConnection(socket, deadline: deadline)
    while true {
      let answer = try start(pid, &systemd)
      if answer.kind == .answer {
        try waitForJob(answer, &systemd)
        return .made
      }
      guard answer.errorName == "\(Self.errors)UnitExists" else { throw .refused(Self.text(of: answer)) }
      let joined = try systemd.call("AttachProcessesToUnit", "ssau") { body in
        body.string(unit)
        body.string("/\(inner)")
        body.array(of: 4) { $0.uint32(UInt32(pid)) }
      }
      if joined.kind == .answer { return .joined }
      // It was there a moment ago: its last process has left it meanwhile, and it is about to go.
      if KernelClock.monotonic >= deadline { throw .refused(Self.text(of: joined)) }
      usleep(1000)
    }
  }

  private func start(_ pid: pid_t, _ systemd: inout BusConnection) throws(SystemdError) -> BusMessage {
    try systemd.call("StartTransientUnit", "ssa(sv)a(sa(sv))") { body in
      body.string(unit)
      body.string("fail")
      body.array(of: 8) { properties in
        func property(_ name: String, _ type: String, _ value: (inout BusWriter) -> Void) {
          properties.structure { member in
            member.string(name)
            member.variant(type, value)
          }
        }
        property("Description", "s") { $0.string(description) }
        property("Slice", "s") { $0.string(slice) }
        property("Delegate", "b") { $0.boolean(true) }
        // How many there may be is for the containers' own limits to say.
        property("TasksMax", "t") { $0.uint64(.max) }
        property("CollectMode", "s") { $0.string("inactive-or-failed") }
        property("PIDs", "au") { value in value.array(of: 4) { $0.uint32(UInt32(pid)) } }
      }
      body.array(of: 8) { _ in }
    }
  }

  /// Waits until systemd has done what it has accepted.
  private func waitForJob(_ answer: BusMessage, _ systemd: inout BusConnection) throws(SystemdError) {
    var reader = BusReader(answer.body[...])
    guard answer.signature == "o", let job = reader.string() else { throw .malformed }
    while true {
      let signal = try systemd.nextSignal()
      guard signal.member == "JobRemoved", signal.signature == "uoss" else { continue }
      var reader = BusReader(signal.body[...])
      guard reader.uint32() != nil, let path = reader.string(), reader.string() != nil, let result = reader.string()
      else { throw .malformed }
      guard path == job else { continue }
      if result != "done" { throw .refused("its job ended with \"\(result)\"") }
      return
    }
  }

  private static func text(of error: BusMessage) -> String {
    var reader = BusReader(error.body[...])
    return (error.signature.hasPrefix("s") ? reader.string() : nil) ?? error.errorName
  }
}
