import Glibc
import InternetAddress
import IsolationEngine
import LinuxNetlink
import LinuxSeccomp
import LinuxSystem
import StackImages
import StackModel
import StackPlan
import StackStore
import SystemPackage

package struct UpOptions: Hashable, Sendable {
  /// The services to start, with what they depend on; empty is all.
  package var services: [String] = []
  package var forceRecreate = false
  /// Leaves a failed stack as it is, for a look at it.
  package var keepsOnFailure = false
  package var removesOrphans = false
  /// Seconds for containers that have to be stopped.
  package var timeout: Int?

  package init() {}
}

/// A service that is about to be started: all that was found out before anything was touched.
struct PreparedService {
  let service: Service
  let container: ContainerDirectory
  let image: ImageConfiguration?
  let layers: [String]
  let configuration: String
  /// What is there of it already.
  let existing: ContainerStatus?
  let action: Action

  enum Action: Hashable {
    /// Runs as it should.
    case keep
    /// Exists as it should, and is not running.
    case start
    case create
    /// Exists, and is not what the file says any more.
    case recreate
  }
}

/// Everything that `up` finds out before it touches the machine. Making it is where all refusals come from.
struct UpPlan {
  let stack: Stack
  let services: [PreparedService]
  let networks: [NetworkRecord]
  /// Addresses by service and network key.
  let addresses: [String: [String: IPv4Address]]
  let orphans: [ContainerStatus]

  func isNew(_ service: PreparedService) -> Bool { service.action == .create || service.action == .recreate }
}

struct UpPlanner {
  let engine: Engine
  let stack: Stack
  let options: UpOptions

  func plan() throws(EngineError) -> UpPlan {
    var problems: [EngineError.Problem] = []
    var kind = EngineError.Kind.failure
    let directory = engine.paths.project(stack.name)
    let statuses = try engineStep { try directory.statuses() }
    let wanted = try selected()
    let addresses = try planAddresses(directory)
    let networkRecords = records(of: addresses)

    var prepared: [PreparedService] = []
    let store = ImageStore(dataDirectory: engine.paths.data)
    for service in wanted {
      do {
        prepared.append(
          try prepare(service, store: store, statuses: statuses, addresses: addresses, directory: directory))
      } catch let error as EngineError {
        problems += error.problems
        kind = error.kind
      }
    }
    problems += missingSources(of: wanted)
    if !problems.isEmpty { throw EngineError(kind, problems) }
    let names = Set(stack.services.map(\.name))
    return UpPlan(
      stack: stack, services: prepared, networks: networkRecords, addresses: addresses.addresses,
      orphans: statuses.filter { !names.contains($0.record?.service ?? "") })
  }

  /// The services that were asked for, with all that they need, in the order of the file.
  private func selected() throws(EngineError) -> [Service] {
    let known = Set(stack.services.map(\.name))
    let unknown = options.services.filter { !known.contains($0) }
    if !unknown.isEmpty {
      throw EngineError(.usage, unknown.map { EngineError.Problem(nil, "no such service: \($0)") })
    }
    if options.services.isEmpty { return stack.services }
    let closure = DependencyGraph(stack.services).closure(of: options.services)
    return stack.services.filter { closure.contains($0.name) }
  }

  // MARK: Networks

  private func planAddresses(_ directory: ProjectDirectory) throws(EngineError) -> AddressPlan {
    try engineStep(kind: .hostRefuses) {
      let existing = try directory.readNetworks()
      let own = Set(existing.map(\.bridge))
      let route = try RouteSocket()
      let ownIndexes = Set(try route.links().filter { own.contains($0.name) }.map(\.index))
      let occupied = try route.routes().filter { !ownIndexes.contains($0.linkIndex) }.map(\.destination)
      var previous: [String: [String: IPv4Address]] = [:]
      for status in try directory.statuses() {
        guard let record = status.record else { continue }
        for attachment in record.attachments {
          previous[record.service, default: [:]][attachment.network] = attachment.address
        }
      }
      return try AddressPlan(
        stack, occupied: occupied + otherStacks(), previousNetworks: existing.map { ($0.key, $0.subnet) },
        previous: previous)
    }
  }

  /// The subnets of all other stacks, also of those whose bridges another network namespace has.
  private func otherStacks() throws -> [IPv4Subnet] {
    try engine.paths.projects().filter { $0 != stack.name }
      .flatMap { try engine.paths.project($0).readNetworks().map(\.subnet) }
  }

  private func records(of addresses: AddressPlan) -> [NetworkRecord] {
    let names = KernelNames(project: stack.name)
    return addresses.networks.map { network in
      NetworkRecord(
        key: network.network.key, name: network.network.name, bridge: names.bridge(of: network.network.name),
        subnet: network.subnet, gateway: network.gateway, isInternal: network.network.isInternal,
        mtu: network.network.mtu)
    }
  }

  // MARK: Services

  private func prepare(
    _ service: Service, store: ImageStore, statuses: [ContainerStatus], addresses: AddressPlan,
    directory: ProjectDirectory
  ) throws -> PreparedService {
    let root = try RootSource(service, store: store).resolve()
    let own = addresses.addresses[service.name] ?? [:]
    let configuration = ConfigurationHash.of(
      service, imageID: root.imageID, networks: stack.networks, addresses: own)
    let name = Engine.containerName(project: stack.name, service: service.name)
    let existing = statuses.first { $0.directory.name == name }
    return PreparedService(
      service: service, container: directory.container(name), image: root.configuration, layers: root.layers,
      configuration: configuration, existing: existing, action: action(for: existing, configuration: configuration))
  }

  private func action(for existing: ContainerStatus?, configuration: String) -> PreparedService.Action {
    guard let existing, let record = existing.record else { return .create }
    if options.forceRecreate || record.configuration != configuration { return .recreate }
    switch existing.state {
    case .running: return .keep
    case .created, .exited: return .start
    case .starting: return .recreate
    }
  }

  /// Bind mounts whose source must exist and does not.
  private func missingSources(of services: [Service]) -> [EngineError.Problem] {
    services.flatMap { service in
      service.mounts.compactMap { mount in
        guard case .bind(let path, createMissing: false) = mount.source, !Files.exists(path) else { return nil }
        return EngineError.Problem(service.name, "nothing to mount at \(mount.target): \(path) does not exist")
      }
    }
  }
}

/// Where a service's root file system is.
struct RootSource {
  let service: Service
  let store: ImageStore

  init(_ service: Service, store: ImageStore) {
    self.service = service
    self.store = store
  }

  struct Resolved {
    let layers: [String]
    let configuration: ImageConfiguration?
    let imageID: String
  }

  func resolve() throws(EngineError) -> Resolved {
    switch service.root {
    case .image(let reference):
      let image = try engineStep(service.name, kind: .imageUnavailable) { try store.resolve(reference) }
      return Resolved(layers: image.layers, configuration: image.configuration, imageID: image.id)
    case .directory(let path):
      let status = try? Files.status(path)
      guard status.map({ $0.st_mode & S_IFMT == S_IFDIR }) ?? false else {
        throw EngineError(.imageUnavailable, service.name, "rootfs \(path) is not a directory")
      }
      return Resolved(layers: [path], configuration: nil, imageID: path)
    case .archive(let path):
      let layer = try engineStep(service.name, kind: .imageUnavailable) { try store.unpackedArchive(path: path) }
      return Resolved(layers: [layer], configuration: nil, imageID: layer)
    case .host:
      return Resolved(layers: ["/"], configuration: nil, imageID: "host")
    }
  }
}
