import Glibc
import IsolationEngine
import LinuxSeccomp
import LinuxSystem
import StackImages
import StackLifecycle
import StackModel
import StackPlan
import StackStore
import SystemPackage

extension Engine {
  /// Brings a stack up: starts what does not run, makes anew what is not what the file says, leaves the rest alone.
  ///
  /// When a part fails, what this call made is taken back, unless `keepsOnFailure`; what was there before stays.
  /// - Parameter interruption: readable when the user wants it to stop.
  /// - Returns: the containers of the services that were asked for.
  @discardableResult
  package func up(
    _ stack: Stack, _ options: UpOptions = UpOptions(), interruption: FileDescriptor? = nil
  ) throws(EngineError) -> [ContainerDirectory] {
    try up(stack, options, interruption: interruption, foreground: nil).containers
  }

  func up(
    _ stack: Stack, _ options: UpOptions, interruption: FileDescriptor?, foreground: Foreground?,
    whenUp: (UpOperation) -> Void = { _ in }
  ) throws(EngineError) -> (containers: [ContainerDirectory], terminal: SharedDescriptor?) {
    try requireRoot()
    _ = try caller.userNamespaceMode
    return try locked(stack.name) { lock throws(EngineError) in
      let plan = try UpPlanner(engine: self, stack: stack, options: options).plan()
      let existedBefore = paths.project(stack.name).exists
      let operation = UpOperation(engine: self, plan: plan, lock: lock, options: options, interruption: interruption)
      operation.foreground = foreground
      do throws(EngineError) {
        try operation.run()
      } catch {
        // Best effort: what cannot be read cannot be shown.
        if let statuses = try? paths.project(stack.name).statuses() {
          let concerned = Set(plan.services.map(\.container.name))
          observer.failed(
            error, statuses.filter { concerned.contains($0.directory.name) }, dependents: operation.dependents)
        }
        if options.keepsOnFailure { throw error }
        throw operation.takenBack(after: error, removeAll: !existedBefore)
      }
      whenUp(operation)
      return (plan.services.map(\.container), operation.terminal)
    }
  }
}

/// A container that the caller wants to talk to.
struct Foreground {
  let service: String
  let kind: ContainerStreams
  let streams: [FileDescriptor]
}

/// One `up` that has been planned.
final class UpOperation {
  let engine: Engine
  let plan: UpPlan
  private let lock: FileLock
  let options: UpOptions
  private let interruption: FileDescriptor?
  let directory: ProjectDirectory
  /// The container whose standard streams do not lead into its log.
  var foreground: Foreground?
  /// The terminal of that container.
  private(set) var terminal: SharedDescriptor?
  var made = MadeByUp()
  private var reservations: [String: [PortReservation]] = [:]
  private(set) var ports: [String: [ContainerRecord.PublishedPort]] = [:]
  private lazy var files = ContainerFiles(plan: plan)
  private(set) lazy var users = UserNamespaces(engine: engine, project: directory, services: plan.stack.services)
  private lazy var baseLayer = BaseLayer(path: engine.paths.baseLayer)
  private lazy var filters = SeccompFilters(cache: SeccompCache(directory: engine.paths.seccompCache))

  init(engine: Engine, plan: UpPlan, lock: FileLock, options: UpOptions, interruption: FileDescriptor?) {
    self.engine = engine
    self.plan = plan
    self.lock = lock
    self.options = options
    self.interruption = interruption
    directory = engine.paths.project(plan.stack.name)
  }

  func run() throws(EngineError) {
    let changing = plan.services.filter { $0.action != .keep }
    // It gets ready while everything else is being made.
    let spawner = changing.isEmpty ? nil : try engineStep { try ShimSpawner(lock.descriptor, for: directory) }
    try endStrays(among: changing)
    try reservePorts(of: changing.filter { $0.action == .create || !isRunning($0) })
    try removeOrphans()
    try remove(plan.surplus)
    try stopObsolete()
    try reservePorts(of: changing.filter { reservations[$0.service.name] == nil })
    warnOfLimits(of: changing)
    if changing.contains(where: { $0.service.root != .host }) {
      try engineStep("base layer") { try baseLayer.ensure() }
    }
    try engineStep("networks") { try makeNetworks() }
    try supervise()
    for service in plan.services where service.action == .keep && service.service.initPlace == nil {
      engine.report(.container, service.name, .running)
    }
    if options.onlyCreates {
      for service in changing where !service.action.startsContainer { try create(service) }
    } else {
      try start(spawner)
    }
  }

  /// Makes a container that somebody starts later.
  private func create(_ service: PreparedService) throws(EngineError) {
    made.containers.append(service.container)
    try engineStep(service.service.name) { try write(service) }
    engine.report(.container, service.name, .created)
  }

  private func isRunning(_ service: PreparedService) -> Bool { service.existing?.state.shim != nil }

  // MARK: Before the start

  private func reservePorts(of services: [PreparedService]) throws(EngineError) {
    var problems: [EngineError.Problem] = []
    for service in services {
      let (held, published, busy) = PortReserver(engine: engine).reserve(
        for: service.service, previous: service.existing?.record?.ports ?? [])
      reservations[service.service.name] = held
      ports[service.service.name] = published
      problems += busy
    }
    if !problems.isEmpty { throw EngineError(.hostRefuses, problems) }
  }

  private func removeOrphans() throws(EngineError) {
    if options.removesOrphans { return try remove(plan.orphans) }
    if options.ignoresOrphans || plan.orphans.isEmpty { return }
    engine.report(
      .stack, plan.stack.name, .hindered,
      detail: "orphan containers, of no service of the file or left by run: "
        + "\(plan.orphans.map(\.name).joined(separator: ", ")); --remove-orphans removes them")
  }

  private func remove(_ containers: [ContainerStatus]) throws(EngineError) {
    if containers.isEmpty { return }
    try StopOperation(engine: engine, timeout: options.timeout).stop(containers)
    for container in containers {
      try engineStep(container.directory.name) { try container.directory.remove() }
      engine.report(.container, container.name, .removed)
    }
  }

  private func stopObsolete() throws(EngineError) {
    let obsolete = plan.services.filter(\.isReplaced)
    let displaced = plan.services.filter { $0.action == .reconnect }
    try StopOperation(engine: engine, timeout: options.timeout)
      .stop((obsolete + displaced).compactMap(\.existing))
    for service in obsolete where service.action == .recreate(.recordLost) {
      engine.report(
        .container, service.name, .hindered, detail: "\(StackDifference.Reason.recordLost): it is made anew")
    }
    for status in obsolete.compactMap(\.existing) {
      try engineStep(status.directory.name) {
        try engine.remove(status, withVolumes: options.renewsAnonymousVolumes)
      }
    }
  }

  // MARK: Start

  private func start(_ spawner: ShimSpawner?) throws(EngineError) {
    let graph = try engineStep { try DependencyGraph(plan.stack.services) }
    var schedule = StartSchedule(graph, selection: plan.services.map(\.service.name))
    let watched = watched
    engine.observer.planned { plannedContainers }
    let supervisor = SupervisorSpawner(paths: engine.paths, project: plan.stack.name)
    var runner = try StartRunner(
      interruption: interruption, jobs: jobs, watch: watched.isEmpty ? nil : try engineStep { try LifeWatch() },
      supervise: { try supervisor.ensured() },
      silence: { name in
        spawner?.reasonOfSilence(about: self.directory.container(self.containerName(of: name))) ?? "its shim was killed"
      })
    var readiness = Readiness(plan.services)
    var problems: [EngineError.Problem] = []
    try runner.carryOut(&schedule) { (effect, runner) throws(EngineError) in
      switch effect {
      case .start(let name):
        guard let service = plan.prepared(name) else { return }
        try begin(service, spawner: spawner, runner: &runner)
      case .skip(let name, let reason):
        engine.report(.container, containerName(of: name), .skipped, detail: reason.description)
        problems.append(EngineError.Problem(name, reason.description))
      case .passOver(let name, let reason):
        engine.report(
          .container, containerName(of: name), .hindered,
          detail: "optional dependency \"\(reason.chain.first ?? "")\" failed to start: \(reason.cause)")
      case .finished: break
      }
    } _: { (event, schedule) throws(EngineError) in
      readiness.take(event)
      return try handle(event, &schedule, &problems)
    }
    if !problems.isEmpty { throw EngineError(.failure, problems) }
    terminal = foreground.flatMap { runner.terminals[$0.service] }
    if options.waits { try waitUntilReady(&runner, &readiness) }
  }

  private func begin(
    _ service: PreparedService, spawner: ShimSpawner?, runner: inout StartRunner
  ) throws(EngineError) {
    if service.action == .keep {
      // Beside a container that runs, the steps before its start are done, whatever is known of them.
      if service.service.initPlace != nil || service.existing?.isCompleted ?? false {
        return runner.alreadyCompleted(service.service.name)
      }
      try engineStep(service.service.name) { try service.container.resume() }
      runner.alreadyRunning(service.service.name, shim: service.existing?.state.shim)
      return try runner.watch(service.service.name, service.container)
    }
    if service.action.startsContainer, try hasBeenRestarted(service) {
      runner.alreadyRunning(service.service.name, shim: (try? service.container.read(.run))?.shim)
      return try runner.watch(service.service.name, service.container)
    }
    guard let spawner else { return }
    engine.report(.container, service.name, .starting)
    made.containers.append(service.container)
    try engineStep(service.service.name) {
      try write(service)
      let isForeground = service.service.name == foreground?.service
      let channel = try spawner.spawn(
        for: service.container, holding: reservations[service.service.name] ?? [],
        isForeground ? foreground?.kind ?? .log : .log, isForeground ? foreground?.streams ?? [] : [])
      runner.add(service.service.name, channel)
    }
    if watched.contains(service.service.name) { try runner.watch(service.service.name, service.container) }
    // The shim holds them now.
    reservations[service.service.name] = []
  }

  private func handle(
    _ event: StartRunner.Event, _ schedule: inout StartSchedule, _ problems: inout [EngineError.Problem]
  ) throws(EngineError) -> [StartSchedule.Effect] {
    let service = plan.prepared(event.service)
    let name = service?.name ?? event.service
    switch event.outcome {
    case .started:
      engine.report(.container, name, .started)
      // Only now may the supervisor look after it: before, it would find a container that has ended.
      if service?.action.startsContainer == true { try engineStep(event.service) { try service?.container.resume() } }
      if let problem = try runHooks(of: event.service) {
        problems.append(problem)
        return schedule.handle(.failed(event.service, reason: problem.message))
      }
      return schedule.handle(.started(event.service)) + (try withoutHealth(event.service, &schedule))
    case .alreadyRunning:
      return schedule.handle(.started(event.service)) + (try withoutHealth(event.service, &schedule))
    case .healthy:
      engine.report(.container, name, .healthy)
      return schedule.handle(.healthy(event.service))
    case .unhealthy(let reason):
      engine.report(.container, name, .failed, detail: reason)
      return schedule.handle(.unhealthy(event.service, reason: reason))
    case .failed(let step, let reason):
      engine.report(.container, name, .failed, detail: "\(step): \(reason)")
      problems.append(EngineError.Problem(event.service, "cannot start: \(step): \(reason)"))
      return schedule.handle(.failed(event.service, reason: "could not be started"))
    case .ended:
      let exit = try engineStep(event.service) { try directory.container(containerName(of: event.service)).read(.exit) }
      let isDone = service?.service.initPlace != nil && service?.action == .keep
      let code = isDone ? 0 : exit?.status.code ?? 137
      reportEnd(name, code)
      return schedule.handle(.completed(event.service, exitCode: code))
    }
  }

  /// Writes everything that the shim and later commands need to know of a container.
  private func write(_ service: PreparedService) throws {
    let container = service.container
    try container.make()
    try container.write(try record(for: service), specification: try specification(for: service).wireBytes)
  }

  private func specification(for service: PreparedService) throws -> ContainerSpecification {
    let model = service.service
    let namespaces = try namespaces(for: model)
    return try SpecificationBuilder(
      service: model, image: service.image, layers: layers(of: service), container: service.container,
      project: plan.stack.name, volumePaths: try volumePaths(for: service),
      interfaces: interfaces(for: model, container: service.container.name),
      namespaces: namespaces, users: try users.choice(for: service).mapping, caller: engine.caller,
      seccomp: try filters.filter(for: model), files: files.contents(for: model)
    ).build()
  }

  /// What the container's root consists of, from the bottom up. The machine's root has every place that the engine needs.
  private func layers(of service: PreparedService) -> [String] {
    (service.service.root == .host ? [] : [baseLayer.path]) + service.layers
  }

  /// The container whose anonymous volumes it has: a step before a start those of the container that starts, or of the first.
  private func volumeOwner(of service: PreparedService) -> String {
    guard let place = service.service.initPlace else { return service.container.name }
    return KernelNames.container(
      project: plan.stack.name, service: service.service.serviceName, number: place.replica ?? 1)
  }

  /// The directories of the service's volumes by target, made where they do not exist.
  private func volumePaths(for service: PreparedService) throws -> [String: String] {
    let store = VolumeStore(directory: engine.paths.volumes)
    var paths: [String: String] = [:]
    func anonymous(_ target: String) throws {
      let name = "\(volumeOwner(of: service))_\(StableHash.hexadecimal(StableHash.of(target)))"
      paths[target] = try make(name, isAnonymous: true)
    }
    func make(_ name: String, isAnonymous: Bool) throws -> String {
      let (path, isNew) = try store.make(name, project: plan.stack.name, isAnonymous: isAnonymous)
      if isNew {
        made.volumes.append(name)
        if !isAnonymous { engine.report(.volume, name, .created) }
      }
      return path
    }
    for mount in service.service.mounts {
      switch mount.source {
      case .tmpfs: break
      case .bind(let path, let createMissing):
        if createMissing && !Files.exists(path) { try Files.makeDirectories(path, mode: 0o755) }
      case .anonymousVolume: try anonymous(mount.target)
      case .volume(let key):
        guard let volume = plan.stack.volumes.first(where: { $0.key == key }) else { continue }
        if let directory = volume.directory {
          paths[mount.target] = directory
        } else if volume.isExternal {
          guard let path = store.existing(volume.name) else {
            throw EngineError(.failure, service.service.name, "external volume \(volume.name) does not exist")
          }
          paths[mount.target] = path
        } else {
          paths[mount.target] = try make(volume.name, isAnonymous: false)
        }
      }
    }
    let taken = Set(service.service.mounts.map(\.target))
    for target in service.image?.volumes ?? [] where !taken.contains(target) { try anonymous(target) }
    return paths
  }
}
