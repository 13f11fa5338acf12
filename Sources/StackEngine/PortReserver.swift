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
      do throws(SystemCallError) {
        let reservation = try reserve(mapping, preferring: before?.hostPort)
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
    _ mapping: PortMapping, preferring preferred: UInt16?
  ) throws(SystemCallError) -> PortReservation {
    let address = mapping.hostAddress?.value ?? 0
    let isStream = mapping.transport == .tcp
    let first = mapping.hostPort ?? 0
    let choice = first...max(first, mapping.lastHostPort ?? first)
    let isFree = first == 0 || choice.count > 1
    if isFree, let preferred, first == 0 || choice.contains(preferred),
      let same = try? PortReservation(address: address, port: preferred, isStream: isStream)
    {
      return same
    }
    for port in choice.dropLast() {
      do throws(SystemCallError) {
        return try PortReservation(address: address, port: port, isStream: isStream)
      } catch  where error.errno == .addressInUse {
        continue
      }
    }
    return try PortReservation(address: address, port: choice.upperBound, isStream: isStream)
  }

  private func message(_ mapping: PortMapping, _ error: SystemCallError) -> String {
    let ports = "\(mapping.hostPort ?? 0)" + (mapping.lastHostPort.map { "-\($0)" } ?? "")
    let name = "\(mapping.hostAddress.map(\.description) ?? "0.0.0.0"):\(ports)/\(mapping.transport)"
    switch error.errno {
    case .addressInUse where mapping.lastHostPort != nil:
      return "all ports of \(name) are already in use"
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
