import Glibc
import LinuxSystem
import StackLifecycle
import StackStore
import SystemPackage

/// Tells how services fare that have a health check or a restart policy, as their supervisor finds out (inotify(7)).
final class LifeWatch {
  private let inotify: Inotify
  private var names: [CInt: String] = [:]
  private var containers: [String: ContainerDirectory] = [:]

  init() throws(SystemCallError) {
    inotify = try Inotify()
  }

  var descriptor: FileDescriptor { inotify.descriptor }

  /// Starts to watch the container of a service, whose directory exists.
  func add(_ service: String, _ container: ContainerDirectory) throws(SystemCallError) {
    names[try inotify.add(container.path, UInt32(IN_CLOSE_WRITE | IN_MOVED_TO))] = service
    containers[service] = container
  }

  /// The services of which something is new.
  func changes() throws(SystemCallError) -> [String] {
    var changed: Set<String> = []
    for entry in try inotify.entries() {
      if entry.watch < 0 { changed.formUnion(names.values) }
      if let service = names[entry.watch], entry.name == "life" || entry.name == "run" { changed.insert(service) }
    }
    return changed.sorted()
  }

  /// How a service fares now; nil when that is not yet known.
  func outcome(of service: String) throws -> StartRunner.Event.Outcome? {
    try containers[service].flatMap { Self.outcome(of: try ContainerStatus($0)) }
  }

  static func outcome(of status: ContainerStatus) -> StartRunner.Event.Outcome? {
    switch status.state {
    case .created, .starting: return nil
    case .exited: return status.isRestarting ? nil : .ended
    case .running:
      switch status.life?.health {
      case .healthy: return .healthy
      case .unhealthy: return .unhealthy(reason: reason(status.life?.lastCheck))
      case .starting, nil: return nil
      }
    }
  }

  /// Why a service is unhealthy, in the words of its check.
  static func reason(_ check: LifeRecord.Check?) -> String {
    guard let check, !check.succeeded else { return "is unhealthy" }
    let words = check.output.split(whereSeparator: \.isNewline).joined(separator: "; ")
    let code = check.exitCode > 0 ? " (exit code \(check.exitCode))" : ""
    return words.isEmpty
      ? "is unhealthy: its health check failed\(code)"
      : "is unhealthy: its health check said\(code): \(words.prefix(400))"
  }
}
