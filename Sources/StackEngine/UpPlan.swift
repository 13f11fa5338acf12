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
  /// Starts them without what they depend on.
  package var withoutDependencies = false
  /// Makes the containers, and starts none.
  package var onlyCreates = false
  package var recreation = StackDifference.Recreation.whenChanged
  /// The same for services that are not named, and that the named ones depend on.
  package var dependencyRecreation = StackDifference.Recreation.whenChanged
  /// The number of containers by service, instead of what the file says.
  package var scale: [String: Int] = [:]
  /// Leaves a failed stack as it is, for a look at it.
  package var keepsOnFailure = false
  package var removesOrphans = false
  /// Says nothing of containers of services that the file does not have.
  package var ignoresOrphans = false
  /// Anonymous volumes of containers that are made anew are empty again.
  package var renewsAnonymousVolumes = false
  /// Seconds for containers that have to be stopped.
  package var timeout: Int?
  /// Waits until all services are ready: healthy where they have a health check.
  package var waits = false
  /// Seconds to wait for that; nil waits for ever.
  package var waitTimeout: Int?
  /// A process with which the stack is to end: the supervisor takes it down then.
  package var owner: ProcessIdentity?

  package init() {}
}

/// A service that is about to be started: all that was found out before anything was touched.
struct PreparedService {
  let service: Service
  let container: ContainerDirectory
  let image: ImageConfiguration?
  let layers: [String]
  let configuration: ConfigurationHash
  let networkConfiguration: ConfigurationHash
  let imageID: String
  /// What is there of it already.
  let existing: ContainerStatus?
  var action: StackDifference.Action

  /// With what the image says, and with its probe; nil when there is none.
  var healthCheck: HealthCheck? {
    let fromImage = image?.healthcheck.flatMap(HealthCheck.init)
    guard let check = service.healthCheck?.completed(by: fromImage) ?? fromImage else { return nil }
    return check.isDisabled || check.probe == nil ? nil : check
  }

  /// What users call the container.
  var name: String { service.containerName ?? container.name }

  /// Whether the container, with its writable layer, is made anew.
  var isReplaced: Bool {
    switch action {
    case .recreate: true
    case .keep, .start, .reconnect, .create: false
    }
  }
}

/// Everything that `up` finds out before it touches the machine. Making it is where all refusals come from.
struct UpPlan {
  let stack: Stack
  let services: [PreparedService]
  let networks: [NetworkRecord]
  /// Those that there are, as they were made.
  let networksBefore: [NetworkRecord]
  /// What the kernel had when the plan was made.
  let kernel: KernelNetworks
  let addresses: AddressPlan
  /// The ports that are published now, by service: also those of services that were not asked for.
  let publishedPorts: [String: [ContainerRecord.PublishedPort]]
  let orphans: [ContainerStatus]
  /// Replicas beyond the number that is wanted.
  let surplus: [ContainerStatus]
  /// All containers of the stack that have a directory.
  let present: [ContainerStatus]
  private let places: [String: Int]
  private let placesInStack: [String: Int]

  init(
    stack: Stack, services: [PreparedService], networks: [NetworkRecord], networksBefore: [NetworkRecord],
    kernel: KernelNetworks, addresses: AddressPlan, publishedPorts: [String: [ContainerRecord.PublishedPort]],
    orphans: [ContainerStatus], surplus: [ContainerStatus], present: [ContainerStatus]
  ) {
    self.stack = stack
    self.services = services
    self.networks = networks
    self.networksBefore = networksBefore
    self.kernel = kernel
    self.present = present
    self.addresses = addresses
    self.publishedPorts = publishedPorts
    self.orphans = orphans
    self.surplus = surplus
    places = Self.places(of: services.map(\.service))
    placesInStack = Self.places(of: stack.services)
  }

  private static func places(of services: [Service]) -> [String: Int] {
    Dictionary(services.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  /// The service of this name, if it was asked for.
  func prepared(_ name: String) -> PreparedService? { places[name].map { services[$0] } }

  /// The service of this name, also one that was not asked for.
  func service(_ name: String) -> Service? { placesInStack[name].map { stack.services[$0] } }
}

struct UpPlanner {
  let engine: Engine
  /// Taken apart into its containers.
  let stack: Stack
  let options: UpOptions

  init(engine: Engine, stack: Stack, options: UpOptions) {
    self.engine = engine
    self.stack = stack.scaled(options.scale)
    self.options = options
    services = Set(stack.services.flatMap { [$0.name, $0.serviceName] })
  }

  /// The names of the file.
  private let services: Set<String>

  func plan() throws(EngineError) -> UpPlan {
    var problems: [EngineError.Problem] = []
    var kind = EngineError.Kind.failure
    let directory = engine.paths.project(stack.name)
    let statuses = try engineStep { try directory.statuses(damageIsLoss: true) }
    let wanted = try selected()
    let kernel = try engineStep { try KernelNetworks() }
    let before = try engineStep { try networksBefore(directory, kernel) }
    let external = try findExternal(wanted, kernel)
    let addresses = try planAddresses(
      before, records: statuses.compactMap(\.record), wanted: wanted, external, kernel)
    let networkRecords = records(of: addresses) + stack.networks.compactMap { external[$0.key]?.record }

    var prepared: [PreparedService] = []
    let store = ImageStore(dataDirectory: engine.paths.data)
    for service in wanted {
      do throws(EngineError) {
        prepared.append(
          try prepare(service, store: store, statuses: statuses, addresses: addresses, directory: directory))
      } catch {
        problems += error.problems
        kind = error.kind
      }
    }
    problems += takenNames(of: wanted, statuses) + missingSources(of: wanted) + missingVariables(of: wanted)
    if !problems.isEmpty { throw EngineError(kind, problems) }
    let present = Set(stack.services.map { KernelNames.container(project: stack.name, $0) })
    let asked = Set(wanted.map(\.serviceName) + (options.services.isEmpty ? services : Set(options.services)))
    return UpPlan(
      stack: stack, services: decided(prepared), networks: networkRecords, networksBefore: before,
      kernel: kernel, addresses: addresses,
      publishedPorts: Dictionary(
        statuses.compactMap(\.record).filter { !$0.isOneOff }.map { ($0.instanceName, $0.ports) },
        uniquingKeysWith: { first, _ in first }),
      orphans: statuses.filter { status in
        guard let record = status.record else { return !present.contains(status.directory.name) }
        return record.isMadeByRun ? status.state.shim == nil : !services.contains(record.service)
      },
      surplus: statuses.filter { status in
        guard let record = status.record, !record.isMadeByRun, services.contains(record.service) else { return false }
        let isAsked =
          options.withoutDependencies ? options.services.contains(record.service) : asked.contains(record.service)
        return isAsked && !present.contains(status.directory.name)
      }, present: statuses)
  }

  /// The services that were asked for, with all that they need, in the order of the file.
  private func selected() throws(EngineError) -> [Service] {
    let unknown = Set(options.services + options.scale.keys).subtracting(services).sorted()
    if !unknown.isEmpty {
      throw EngineError(.failure, unknown.map { EngineError.Problem(nil, "no such service: \($0)") })
    }
    if options.services.isEmpty { return stack.services }
    let names = stack.instances(of: options.services)
    let graph = try engineStep { try DependencyGraph(stack.services) }
    let closure = Set(options.withoutDependencies ? names : graph.closure(of: names))
    return stack.services.filter { closure.contains($0.name) }
  }

  // MARK: Services

  private func prepare(
    _ service: Service, store: ImageStore, statuses: [ContainerStatus], addresses: AddressPlan,
    directory: ProjectDirectory
  ) throws(EngineError) -> PreparedService {
    let root = try RootSource(service, store: store).resolve()
    if SpecificationBuilder.command(of: service, image: root.configuration).isEmpty {
      throw EngineError(.failure, service.name, "no command: neither the stack file nor the image names one")
    }
    let (configuration, networkConfiguration) = try engineStep(service.name) {
      (
        try ConfigurationHash(of: service, in: stack, imageID: root.imageID),
        try ConfigurationHash(ofNetworksOf: service, in: stack, addresses: addresses)
      )
    }
    let name = KernelNames.container(project: stack.name, service)
    let existing = statuses.first { $0.directory.name == name }
    return PreparedService(
      service: service, container: directory.container(name), image: root.configuration, layers: root.layers,
      configuration: configuration, networkConfiguration: networkConfiguration, imageID: root.imageID,
      existing: existing, action: .create)
  }

  /// A name that the file gives is unique on the machine, as other programs take it to be.
  private func takenNames(of services: [Service], _ statuses: [ContainerStatus]) -> [EngineError.Problem] {
    var owners: [String: String] = [:]
    return services.compactMap { service in
      guard let name = service.containerName else { return nil }
      // A service's own container may still have the name that another one is to get.
      let present = service.isOneOff ? statuses.first { $0.name == name }?.record : nil
      let owner = owners.updateValue(service.serviceName, forKey: name) ?? present?.service
      let other = owner.map { "service \($0)" }
      return (other ?? stack(withContainer: name).map { "stack \($0)" }).map {
        EngineError.Problem(service.serviceName, "the container name \"\(name)\" is already in use by \($0)")
      }
    }
  }

  /// Another stack that has a container with this name.
  private func stack(withContainer name: String) -> String? {
    // Best effort: a project whose state cannot be read has no claim.
    ((try? engine.paths.projects()) ?? []).filter { $0 != stack.name }.first { project in
      let containers = (try? engine.paths.project(project).containers()) ?? []
      return containers.contains { container in
        container.name == name || (try? container.read(.record))?.containerName == name
      }
    }
  }

  /// What has to be done to each service, given what runs.
  private func decided(_ services: [PreparedService]) -> [PreparedService] {
    let running = services.compactMap { service -> RunningService? in
      guard let existing = service.existing else { return nil }
      let state: RunningService.State =
        if case .running = existing.state { .running } else { existing.isCompleted ? .completed : .stopped }
      return RunningService(
        service: service.service.name,
        configurationHash: existing.record.map { ConfigurationHash(stored: $0.configuration) }, state: state,
        hasOtherNetworks: existing.record?.networkConfiguration != service.networkConfiguration.description)
    }
    let difference = StackDifference.between(
      wanted: services.map { ($0.service, $0.configuration) }, running: running,
      recreation: { isNamed($0) ? options.recreation : options.dependencyRecreation })
    let actions = Dictionary(
      difference.services.map { ($0.service, $0.action) }, uniquingKeysWith: { first, _ in first })
    return services.map { service in
      var decided = service
      decided.action = actions[service.service.name] ?? .create
      return decided
    }
  }

  private func isNamed(_ service: Service) -> Bool {
    options.services.isEmpty || options.services.contains(service.serviceName)
      || options.services.contains(service.name)
  }

  /// Bind mounts and external volumes whose source must exist and does not.
  private func missingSources(of services: [Service]) -> [EngineError.Problem] {
    services.flatMap { service in
      service.mounts.compactMap { mount in
        missingSource(of: mount).map {
          EngineError.Problem(service.name, "nothing to mount at \(mount.target): \($0) does not exist")
        }
      }
    }
  }

  /// Secrets and configs that are the value of a variable which nobody has set.
  private func missingVariables(of services: [Service]) -> [EngineError.Problem] {
    services.flatMap { service in
      ((service.secrets ?? []) + (service.configs ?? [])).compactMap { grant in
        guard case .unset(let variable) = grant.source else { return nil }
        return EngineError.Problem(
          service.name, "the variable \(variable) is not set, and \(grant.key) needs it: set it, or write it into .env")
      }
    }
  }

  private func missingSource(of mount: Mount) -> String? {
    switch mount.source {
    case .bind(let path, createMissing: false): return Files.exists(path) ? nil : path
    case .volume(let key):
      guard let volume = stack.volumes.first(where: { $0.key == key }) else { return nil }
      if let directory = volume.directory { return Files.exists(directory) ? nil : directory }
      guard volume.isExternal else { return nil }
      let store = VolumeStore(directory: engine.paths.volumes)
      return store.existing(volume.name) == nil ? "the external volume \(volume.name)" : nil
    case .bind, .anonymousVolume, .tmpfs: return nil
    }
  }
}

extension HealthCheck {
  /// The health check of an image; nil when it is `NONE`.
  fileprivate init?(_ image: ImageHealthcheck) {
    switch image.test.first {
    case "CMD" where image.test.count > 1: self.init(.command(Array(image.test.dropFirst())))
    case "CMD-SHELL" where image.test.count > 1: self.init(.shell(image.test[1]))
    default: return nil
    }
    func time(_ value: UInt64) -> UInt64? { value == 0 ? nil : value }
    interval = time(image.interval)
    timeout = time(image.timeout)
    startPeriod = time(image.startPeriod)
    startInterval = time(image.startInterval)
    retries = image.retries == 0 ? nil : image.retries
  }
}
