import Glibc
import LinuxSystem
import StackPlan
import StackStore
import SystemPackage

/// Waits for shims: for the word of those that start, and for the end of those that jobs wait for.
struct StartRunner {
  struct Event {
    enum Outcome {
      case started
      case alreadyRunning
      case failed(step: String, reason: String)
      /// The container's exit record is written, and it is not started again.
      case ended
      case healthy
      case unhealthy(reason: String)
    }

    let service: String
    let outcome: Outcome
  }

  private let interruption: FileDescriptor?
  /// Where the shims of services that are being started report.
  private var starting: [String: SharedDescriptor] = [:]
  /// Shims of started services by service, as long as their end matters.
  private var running: [String: ProcessIdentity] = [:]
  private var ready: [Event] = []
  /// Watched services whose start was told last.
  private var justStarted: Set<String> = []
  /// Terminals of services whose user wants to have them.
  private(set) var terminals: [String: SharedDescriptor] = [:]
  /// The services whose end matters.
  private let jobs: Set<String>
  /// Of services whose supervisor tells how they fare; nil when nobody waits for that.
  private let watch: LifeWatch?
  /// Called when there is no supervisor any more.
  private let supervise: () throws -> ProcessHandle?
  /// Why the shim of a service has ended without a word.
  private let silence: (String) -> String
  private var supervisor: ProcessHandle?
  /// Told once: a health check succeeds again and again.
  private var healthy: Set<String> = []

  init(
    interruption: FileDescriptor?, jobs: Set<String>, watch: LifeWatch? = nil,
    supervise: @escaping () throws -> ProcessHandle? = { nil }, silence: @escaping (String) -> String
  ) throws(EngineError) {
    self.interruption = interruption
    self.jobs = jobs
    self.watch = watch
    self.supervise = supervise
    self.silence = silence
    supervisor = try engineStep("supervisor") { watch == nil ? nil : try supervise() }
  }

  /// Has the supervisor's word on a service reported, also what it said already; of one that is being started, from its start
  /// on: before, it is said of the run before.
  mutating func watch(_ service: String, _ container: ContainerDirectory) throws(EngineError) {
    guard let watch else { return }
    try engineStep(service) {
      try watch.add(service, container)
      if starting[service] == nil, let event = try news(of: service, from: watch) { ready.append(event) }
    }
  }

  /// What has become of services that were started since the last look, and since the caller has acted on that.
  private mutating func newsOfStarted() throws(EngineError) -> [Event] {
    guard let watch else { return [] }
    defer { justStarted = [] }
    var events: [Event] = []
    for name in justStarted.sorted() {
      if let event = try engineStep(name, { try news(of: name, from: watch) }) { events.append(event) }
    }
    return events
  }

  private mutating func news(of service: String, from watch: LifeWatch) throws -> Event? {
    guard let outcome = try watch.outcome(of: service) else { return nil }
    if case .healthy = outcome, !healthy.insert(service).inserted { return nil }
    return Event(service: service, outcome: outcome)
  }

  mutating func add(_ service: String, _ channel: SharedDescriptor) {
    starting[service] = channel
  }

  mutating func alreadyRunning(_ service: String, shim: ProcessIdentity?) {
    running[service] = shim
    ready.append(Event(service: service, outcome: .alreadyRunning))
  }

  /// A service that could not even be tried.
  mutating func cannotStart(_ service: String, _ reason: String) {
    ready.append(Event(service: service, outcome: .failed(step: "start", reason: reason)))
  }

  /// A job that was done before.
  mutating func alreadyCompleted(_ service: String) {
    ready.append(Event(service: service, outcome: .alreadyRunning))
    ready.append(Event(service: service, outcome: .ended))
  }

  /// Carries a schedule out until it is finished.
  /// - Parameters:
  ///   - perform: called for each effect but the end.
  ///   - handle: called for each event; what follows from it.
  mutating func carryOut(
    _ schedule: inout StartSchedule,
    _ perform: (StartSchedule.Effect, inout StartRunner) throws(EngineError) -> Void,
    _ handle: (Event, inout StartSchedule) throws(EngineError) -> [StartSchedule.Effect]
  ) throws(EngineError) {
    var effects = schedule.begin()
    while true {
      for effect in effects {
        if case .finished = effect { return }
        try perform(effect, &self)
      }
      effects = []
      for event in try wait() { effects += try handle(event, &schedule) }
    }
  }

  /// Waits until something has happened, or until a moment on the monotonic clock.
  mutating func wait(until deadline: UInt64 = .max) throws(EngineError) -> [Event] {
    if !ready.isEmpty {
      defer { ready = [] }
      return ready
    }
    let early = try newsOfStarted()
    if !early.isEmpty { return early }
    let names = starting.keys.sorted()
    let watched = running.keys.filter(jobs.contains).sorted()
    var handles: [(service: String, process: ProcessHandle)] = []
    for name in watched {
      if let process = try engineStep(name, { try running[name]?.open() }) { handles.append((name, process)) }
    }
    // A shim that is gone already has ended before anybody looked.
    let gone = watched.filter { name in !handles.contains { $0.service == name } }
    if !gone.isEmpty {
      for name in gone { running[name] = nil }
      return gone.map { Event(service: $0, outcome: .ended) }
    }
    var descriptors = names.compactMap { starting[$0]?.borrowed } + handles.map(\.process.descriptor)
    if descriptors.isEmpty && watch == nil { return [] }
    let ownCount = descriptors.count
    if let watch { descriptors.append(watch.descriptor) }
    if let supervisor { descriptors.append(supervisor.descriptor) }
    if let interruption { descriptors.append(interruption) }
    let readable = try engineStep {
      try Polling.readable(descriptors, milliseconds: KernelClock.milliseconds(until: deadline))
    }
    if interruption != nil, readable.last == true {
      throw EngineError(.interrupted, "interrupted")
    }
    var events: [Event] = []
    if let watch, readable[ownCount] {
      let changes = try engineStep { try watch.changes() }
      for name in changes where starting[name] == nil {
        if let event = try engineStep(name, { try news(of: name, from: watch) }) { events.append(event) }
      }
    }
    if supervisor != nil, readable[ownCount + 1] { supervisor = try engineStep("supervisor") { try supervise() } }
    for (index, name) in names.enumerated() where readable[index] {
      events.append(try word(of: name))
    }
    for (index, watch) in handles.enumerated() where readable[names.count + index] {
      running[watch.service] = nil
      events.append(Event(service: watch.service, outcome: .ended))
    }
    return events
  }

  private mutating func word(of service: String) throws(EngineError) -> Event {
    guard let channel = starting.removeValue(forKey: service) else { return Event(service: service, outcome: .started) }
    let message = try engineStep(service) { () -> ShimMessage? in
      guard let (bytes, terminal) = try Message.receiveWithDescriptor(over: channel.borrowed) else { return nil }
      terminals[service] = terminal
      return try ShimMessage(wireBytes: bytes)
    }
    switch message {
    case .started(let shim):
      running[service] = shim
      justStarted.insert(service)
      return Event(service: service, outcome: .started)
    case .failed(let step, let reason):
      return Event(service: service, outcome: .failed(step: step, reason: reason))
    case nil:
      return Event(service: service, outcome: .failed(step: "start", reason: silence(service)))
    }
  }
}
