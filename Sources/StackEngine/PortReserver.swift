import InternetAddress
import LinuxSystem
import StackModel
import StackStore
import SystemPackage

/// Takes the host's ports for a service, all or none known, before anything else of it is made.
struct PortReserver {
  let engine: Engine

  typealias Outcome = (
    reservations: [PortReservation], published: [ContainerRecord.PublishedPort], problems: [EngineError.Problem]
  )

  /// - Parameter previous: the ports of the container before, whose free choices are made again if possible.
  func reserve(for service: Service, previous: [ContainerRecord.PublishedPort]) -> Outcome {
    var outcome: Outcome = ([], [], [])
    for mapping in service.ports {
      let before = previous.first {
        $0.containerPort == mapping.containerPort && $0.transport == mapping.transport
          && $0.hostAddress == mapping.hostAddress
      }
      let wanted = mapping.hostPort.flatMap { $0 == 0 ? nil : $0 }
      do throws(SystemCallError) {
        let reservation = try reserve(mapping, port: wanted, preferring: wanted == nil ? before?.hostPort : nil)
        outcome.reservations.append(reservation)
        outcome.published.append(
          ContainerRecord.PublishedPort(
            hostAddress: mapping.hostAddress, hostPort: reservation.port, containerPort: mapping.containerPort,
            transport: mapping.transport))
      } catch {
        outcome.problems.append(EngineError.Problem(service.name, message(mapping, error)))
      }
    }
    return outcome
  }

  private func reserve(
    _ mapping: PortMapping, port: UInt16?, preferring preferred: UInt16?
  ) throws(SystemCallError) -> PortReservation {
    let address = mapping.hostAddress?.value ?? 0
    let isStream = mapping.transport == .tcp
    if let preferred, let same = try? PortReservation(address: address, port: preferred, isStream: isStream) {
      return same
    }
    if let port, let last = mapping.lastHostPort, last > port {
      // Any free one of the range will do.
      for candidate in port..<last {
        if let free = try? PortReservation(address: address, port: candidate, isStream: isStream) { return free }
      }
      return try PortReservation(address: address, port: last, isStream: isStream)
    }
    return try PortReservation(address: address, port: port ?? 0, isStream: isStream)
  }

  private func message(_ mapping: PortMapping, _ error: SystemCallError) -> String {
    let name = "\(mapping.hostAddress.map(\.description) ?? "0.0.0.0"):\(mapping.hostPort ?? 0)/\(mapping.transport)"
    switch error.errno {
    case .addressInUse:
      return "port \(name) is already in use\(holder(of: mapping).map { " by \($0)" } ?? "")"
    case .addressNotAvailable:
      return "port \(name): this machine has no address \(mapping.hostAddress.map(\.description) ?? "0.0.0.0")"
    default:
      return "port \(name): \(error.errno)"
    }
  }

  /// Who has the port: a container of some stack, or a process.
  private func holder(of mapping: PortMapping) -> String? {
    guard let port = mapping.hostPort else { return nil }
    // Best effort: a state that cannot be read names nobody.
    for name in (try? engine.paths.projects()) ?? [] {
      for status in (try? engine.paths.project(name).statuses()) ?? [] where status.state.shim != nil {
        guard let record = status.record,
          record.ports.contains(where: { $0.hostPort == port && $0.transport == mapping.transport })
        else { continue }
        return "service \(record.service) of stack \(name)"
      }
    }
    guard let process = PortHolder.find(port: port, isStream: mapping.transport == .tcp) else { return nil }
    return "\(process.command) (pid \(process.pid))"
  }
}
