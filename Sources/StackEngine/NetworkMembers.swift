import InternetAddress
import IsolationEngine
import LinuxCapabilities
import LinuxFirewall
import StackModel
import StackPlan

/// What the firewall has to know of the services on the networks of a stack.
struct NetworkMembers {
  let operation: UpOperation

  func describe(to policy: inout NetworkPolicy) throws(EngineError) {
    for service in operation.plan.stack.services {
      let interfaces = operation.interfaces(for: service, container: operation.containerName(of: service.name))
      policy.members += interfaces.map(\.address)
      // Who asks for the machine's address by this name wants to connect to it; so does a program of the machine.
      if service.extraHosts.contains(where: { $0.address == "host-gateway" }) || service.name == TestNetwork.guestName {
        policy.guests += interfaces.map(\.address)
      }
      let granted = try service.grantedCapabilities()
      if granted.isDisjoint(with: [.netRaw, .netAdmin]) { continue }
      policy.forgers += interfaces.map {
        .init(interface: $0.hostName, address: $0.address, hasOwnNetwork: granted.contains(.netAdmin))
      }
    }
  }
}
