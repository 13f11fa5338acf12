import Glibc
import LinuxSystem
import SystemPackage

/// Waits for shims: for the word of those that start, and for the end of those that jobs wait for.
struct StartRunner {
  struct Event {
    enum Outcome {
      case started
      case alreadyRunning
      case failed(step: String, reason: String)
      /// The container's exit record is written.
      case ended
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
  /// The services whose end matters.
  private let jobs: Set<String>

  init(interruption: FileDescriptor?, jobs: Set<String>) {
    self.interruption = interruption
    self.jobs = jobs
  }

  mutating func add(_ service: String, _ channel: SharedDescriptor) {
    starting[service] = channel
  }

  mutating func alreadyRunning(_ service: String, shim: ProcessIdentity?) {
    running[service] = shim
    ready.append(Event(service: service, outcome: .alreadyRunning))
  }

  /// Waits until something has happened.
  mutating func wait() throws(EngineError) -> [Event] {
    if !ready.isEmpty {
      defer { ready = [] }
      return ready
    }
    let names = starting.keys.sorted()
    let watched = running.keys.filter(jobs.contains).sorted()
    let handles = watched.compactMap { name in
      running[name]?.open().map { (service: name, process: $0) }
    }
    // A shim that is gone already has ended before anybody looked.
    let gone = watched.filter { name in !handles.contains { $0.service == name } }
    if !gone.isEmpty {
      for name in gone { running[name] = nil }
      return gone.map { Event(service: $0, outcome: .ended) }
    }
    var descriptors = names.compactMap { starting[$0]?.borrowed } + handles.map(\.process.descriptor)
    if descriptors.isEmpty { return [] }
    if let interruption { descriptors.append(interruption) }
    let readable = try engineStep { try Polling.readable(descriptors) }
    if interruption != nil, readable.last == true {
      throw EngineError(.interrupted, "interrupted")
    }
    var events: [Event] = []
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
      try Message.receive(over: channel.borrowed).map { try ShimMessage(wireBytes: $0) }
    }
    switch message {
    case .started(let shim):
      running[service] = shim
      return Event(service: service, outcome: .started)
    case .failed(let step, let reason):
      return Event(service: service, outcome: .failed(step: step, reason: reason))
    case nil:
      return Event(service: service, outcome: .failed(step: "start", reason: "its shim was killed"))
    }
  }
}
