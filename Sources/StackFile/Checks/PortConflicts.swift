import InternetAddress
import StackModel

/// Two services cannot publish the same port of the machine.
struct PortConflicts {
  let services: [DecodedService]
  let report: Report

  private struct Slot: Hashable {
    var port: UInt16
    var transport: PortMapping.TransportProtocol
  }

  private struct Owner {
    var address: IPv4Address?
    var service: String
    var mark: Mark
  }

  func check() {
    var owners: [Slot: [Owner]] = [:]
    for decoded in services {
      for (index, port) in decoded.service.ports.enumerated() {
        // A range is a choice: it conflicts with nothing until it is made.
        guard let hostPort = port.hostPort, port.lastHostPort == nil else { continue }
        let slot = Slot(port: hostPort, transport: port.transport)
        let owner = Owner(address: port.hostAddress, service: decoded.service.name, mark: decoded.portMarks[index])
        if let other = owners[slot]?.first(where: { Self.overlap($0.address, owner.address) }) {
          let who = other.service == owner.service ? "this service" : "the service \"\(other.service)\""
          report.error(
            owner.mark, "services.\(owner.service).ports[\(index)]",
            "host port \(hostPort)/\(port.transport.rawValue) is already published by \(who) in line \(other.mark.line)",
            hint: "give one of them another host port, or another host address")
        }
        owners[slot, default: []].append(owner)
      }
    }
  }

  private static func overlap(_ left: IPv4Address?, _ right: IPv4Address?) -> Bool {
    left == nil || right == nil || left == right
  }
}
