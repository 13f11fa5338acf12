import IsolationEngine
import LinuxSystem
import StackModel
import StackPlan
import StackStore
import SystemPackage

/// A place on the networks of a stack for a program of the machine, without a container.
package struct TestNetwork {
  package let interfaces: [InterfaceSpecification]
  /// Files for its /etc: hosts and resolv.conf.
  package let files: [(name: String, content: String)]

  /// The service that stands for the program in the plan; no file can name one so.
  static let guestName = "#test"
}

extension Engine {
  /// Brings a stack up as `up` does, with room on all of its networks for one more.
  package func upWithPlace(
    _ stack: Stack, _ options: UpOptions, interruption: FileDescriptor?
  ) throws(EngineError) -> TestNetwork {
    var extended = stack
    var guest = Service(name: TestNetwork.guestName, root: .host)
    guest.instance = ServiceInstance(service: TestNetwork.guestName, kind: .oneOff("test"))
    guest.networkMode = .networks(stack.networks.filter { !$0.isExternal }.map { NetworkAttachment(network: $0.key) })
    extended.services.append(guest)
    var options = options
    if options.services.isEmpty { options.services = stack.services.map(\.name) }
    var place: TestNetwork?
    _ = try up(extended, options, interruption: interruption, foreground: nil) { operation in
      place = operation.place(for: guest)
    }
    guard let place else { throw EngineError(.failure, "the stack has no network") }
    return place
  }
}

extension UpOperation {
  func place(for guest: Service) -> TestNetwork {
    TestNetwork(
      interfaces: interfaces(for: guest, container: "\(plan.stack.name)-test"),
      files: ContainerFiles(plan: plan).contents(for: guest).filter { $0.name != "hostname" })
  }
}
