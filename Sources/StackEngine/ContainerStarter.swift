import InternetAddress
import IsolationEngine
import LinuxSystem
import StackModel
import StackStore
import SystemPackage

/// Starts a container again that was made before, as it was made.
package struct ContainerStarter {
  package enum Outcome {
    /// The shim reports by `channel`; its end without a report is the shim's.
    case started(channel: SharedDescriptor)
    /// Somebody else has started it, or wants it to stay stopped.
    case changedMeanwhile
  }

  private let directory: ProjectDirectory

  package init(directory: ProjectDirectory) {
    self.directory = directory
  }

  /// For the supervisor: starts a container that has ended, unless that is no longer wanted.
  package func restart(_ container: ContainerDirectory, _ record: ContainerRecord) throws -> Outcome {
    // The process that makes the shim holds it too, until the shim can be found.
    let lock = try container.lock()
    defer { withExtendedLifetime(lock) {} }
    guard !container.isHalted, try ContainerStatus(container).state.shim == nil else { return .changedMeanwhile }
    let reservations = try prepare(container, record)
    return .started(
      channel: try ShimSpawner(lock.descriptor, for: directory).spawn(for: container, holding: reservations))
  }

  /// Makes ready what a start needs that does not outlive a run: the ports, and the namespaces that it shares.
  func prepare(_ container: ContainerDirectory, _ record: ContainerRecord) throws -> [PortReservation] {
    let reservations = try record.ports.map { port throws(SystemCallError) in
      try PortReservation(
        address: port.hostAddress?.value ?? 0, port: port.hostPort, isStream: port.transport == .tcp)
    }
    try findOwners(of: container, record)
    return reservations
  }

  /// A container in namespaces of others finds them by the processes that run now.
  private func findOwners(of container: ContainerDirectory, _ record: ContainerRecord) throws {
    if record.namespaceOwners.isEmpty { return }
    let statuses = try directory.statuses()
    func process(of owner: String) throws -> ProcessIdentity {
      let running = statuses.lazy.filter { $0.record?.service == owner }.compactMap { status in
        if case .running(let run, _) = status.state { run.process } else { nil }
      }
      guard let first = running.first else { throw SystemCallError("setns", on: owner, .noSuchProcess) }
      return first
    }
    var specification = try container.specification()
    if let owner = record.networkOf { specification.namespaces.network = .of(try process(of: owner)) }
    if let owner = record.processesOf { specification.namespaces.processes = .of(try process(of: owner)) }
    if let owner = record.communicationOf { specification.namespaces.communication = .of(try process(of: owner)) }
    try container.write(record, specification: specification.wireBytes)
  }
}
