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
    var service: String
    var mark: Mark
  }

  /// Who has a port, by address; nil is all addresses.
  private struct Owners {
    var byAddress: [IPv4Address?: Owner] = [:]
    var first: Owner?

    mutating func add(_ owner: Owner, at address: IPv4Address?) {
      if first == nil { first = owner }
      if byAddress[address] == nil { byAddress[address] = owner }
    }

    func conflicting(with address: IPv4Address?) -> Owner? {
      address == nil ? first : byAddress[address] ?? byAddress[IPv4Address?.none]
    }
  }

  func check() {
    var owners: [Slot: Owners] = [:]
    for decoded in services {
      for (index, port) in decoded.service.ports.enumerated() {
        // A range is a choice: it conflicts with nothing until it is made.
        guard let hostPort = port.hostPort, port.lastHostPort == nil else { continue }
        let slot = Slot(port: hostPort, transport: port.transport)
        let owner = Owner(service: decoded.service.name, mark: decoded.portMarks[index])
        if let other = owners[slot]?.conflicting(with: port.hostAddress) {
          let who = other.service == owner.service ? "this service" : "the service \"\(other.service)\""
          report.refusal(
            owner.mark, "services.\(owner.service).ports[\(index)]",
            "host port \(hostPort)/\(port.transport.rawValue) is already published by \(who) in \(report.place(other.mark, from: owner.mark))",
            hint: "give one of them another host port, or another host address")
        }
        owners[slot, default: Owners()].add(owner, at: port.hostAddress)
      }
    }
  }
}
