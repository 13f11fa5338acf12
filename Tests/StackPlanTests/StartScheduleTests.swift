import StackModel
import StackPlan
import TestSupport
import Testing

@Suite struct StartScheduleTests {
  private func schedule(_ services: Service..., selection: [String]? = nil) throws -> StartSchedule {
    StartSchedule(try DependencyGraph(services), selection: selection)
  }

  private func unmet(_ chain: String..., cause: String) -> UnmetDependency {
    UnmetDependency(chain: chain, cause: cause)
  }

  @Test func `each service starts as soon as its own conditions hold`() throws {
    var schedule = try schedule(
      service("web", "api healthy"), service("api", "db healthy", "migrate completed"),
      service("migrate", "db healthy"),
      service("db"), service("cache"), service("worker", "cache"))
    #expect(schedule.begin() == [.start("db"), .start("cache")])
    #expect(schedule.handle(.started("cache")) == [.start("worker")])
    #expect(schedule.handle(.started("db")) == [])
    #expect(schedule.handle(.healthy("db")) == [.start("migrate")])
    #expect(schedule.handle(.started("worker")) == [])
    #expect(schedule.handle(.started("migrate")) == [])
    #expect(schedule.handle(.completed("migrate", exitCode: 0)) == [.start("api")])
    #expect(schedule.handle(.started("api")) == [])
    #expect(schedule.handle(.healthy("api")) == [.start("web")])
    #expect(schedule.handle(.started("web")) == [.finished])
    #expect(schedule.handle(.healthy("web")) == [])
  }

  @Test func `nothing to start is finished at once`() throws {
    var empty = try schedule()
    #expect(empty.begin() == [.finished])
    var none = try schedule(service("a"), selection: [])
    #expect(none.begin() == [.finished])
  }

  @Test func `a failure skips what requires it, and says through whom`() throws {
    var schedule = try schedule(
      service("web", "api", "cdn?"), service("api", "db healthy"), service("db"), service("cdn", "db"))
    #expect(schedule.begin() == [.start("db")])
    let effects = schedule.handle(.failed("db", reason: "could not be started: no such image"))
    #expect(
      effects == [
        .skip("api", because: unmet("db", cause: "could not be started: no such image")),
        .skip("cdn", because: unmet("db", cause: "could not be started: no such image")),
        .skip("web", because: unmet("api", "db", cause: "could not be started: no such image")),
        .finished,
      ])
    #expect("\(unmet("api", "db", cause: "exited with code 1"))" == "needs api -> db: db exited with code 1")
  }

  @Test func `a service that two failures reach is skipped once`() throws {
    var schedule = try schedule(service("c", "a", "b"), service("a"), service("b"))
    #expect(schedule.begin() == [.start("a"), .start("b")])
    #expect(schedule.handle(.failed("b", reason: "r")) == [.skip("c", because: unmet("b", cause: "r"))])
    #expect(schedule.handle(.failed("a", reason: "r")) == [.finished])
  }

  @Test(arguments: [
    (StartSchedule.Event.unhealthy("db", reason: "is unhealthy"), "is unhealthy"),
    (.completed("db", exitCode: 0), "exited with code 0 before it was healthy"),
    (.failed("db", reason: "was killed by SIGKILL"), "was killed by SIGKILL"),
  ])
  func `who waits for health is skipped when it cannot come`(event: StartSchedule.Event, cause: String) throws {
    var schedule = try schedule(service("db"), service("api", "db healthy"), service("log", "db"))
    #expect(schedule.begin() == [.start("db")])
    #expect(schedule.handle(.started("db")) == [.start("log")])
    #expect(schedule.handle(.started("log")) == [])
    #expect(schedule.handle(event) == [.skip("api", because: unmet("db", cause: cause)), .finished])
  }

  @Test func `a job that fails is not completed`() throws {
    var schedule = try schedule(service("job"), service("api", "job completed"), service("tail", "job completed?"))
    #expect(schedule.begin() == [.start("job")])
    // A job may end before anybody told that it started.
    #expect(
      schedule.handle(.completed("job", exitCode: 3)) == [
        .skip("api", because: unmet("job", cause: "exited with code 3")),
        .passOver("tail", because: unmet("job", cause: "exited with code 3")), .start("tail"),
      ])
  }

  @Test func `health once reached stays reached`() throws {
    var schedule = try schedule(service("db"), service("a", "db healthy", "b"), service("b"))
    #expect(schedule.begin() == [.start("db"), .start("b")])
    #expect(schedule.handle(.healthy("db")) == [])
    #expect(schedule.handle(.unhealthy("db", reason: "is unhealthy")) == [])
    #expect(schedule.handle(.failed("db", reason: "gone")) == [])
    #expect(schedule.handle(.started("b")) == [.start("a")])
  }

  @Test func `events that tell nothing new have no effect`() throws {
    var schedule = try schedule(service("a"), service("b", "a"))
    #expect(schedule.begin() == [.start("a")])
    for event in [StartSchedule.Event.started("nobody"), .started("b"), .healthy("b"), .completed("b", exitCode: 0)] {
      #expect(schedule.handle(event) == [])
    }
    #expect(schedule.handle(.started("a")) == [.start("b")])
    #expect(schedule.handle(.started("a")) == [])
    #expect(schedule.handle(.failed("b", reason: "r")) == [.finished])
    #expect(schedule.handle(.failed("b", reason: "r")) == [])
  }

  @Test func `what is not selected is taken as met`() throws {
    var schedule = try schedule(service("a"), service("b", "a healthy"), service("c", "b"), selection: ["b", "c"])
    #expect(schedule.begin() == [.start("b")])
    #expect(schedule.handle(.failed("a", reason: "r")) == [])
    #expect(schedule.handle(.started("b")) == [.start("c")])
    #expect(schedule.handle(.started("c")) == [.finished])
  }

  @Test func `random runs agree with a model that looks at everything each time`() throws {
    for seed in 0..<300 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let services = randomServices(Int.random(in: 1...25, using: &generator), &generator)
      var schedule = StartSchedule(try DependencyGraph(services))
      var model = NaiveStart(services)
      var effects = schedule.begin()
      model.settle()
      while true {
        model.compare(effects, seed: seed)
        guard let event = model.randomEvent(&generator) else { break }
        effects = schedule.handle(event)
        model.apply(event)
        model.settle()
      }
      #expect(model.isFinished, "seed \(seed)")
    }
  }

  @Test func `500 services in milliseconds`() throws {
    var generator = SeededGenerator(seed: 5)
    let services = randomServices(500, &generator)
    let elapsed = try ContinuousClock().measure {
      var schedule = StartSchedule(try DependencyGraph(services))
      var pending = schedule.begin()[...]
      var starts = 0
      while let effect = pending.popFirst() {
        guard case .start(let name) = effect else { continue }
        starts += 1
        pending += schedule.handle(.started(name))
        pending += schedule.handle(.healthy(name))
        pending += schedule.handle(.completed(name, exitCode: 0))
      }
      #expect(starts == 500)
    }
    #expect(elapsed < .milliseconds(500))
  }
}

/// The same rules said in the simplest way: after each event every service is looked at until nothing changes.
private struct NaiveStart {
  enum State: Equatable {
    case waiting, starting, running
    case done(Int32)
    case failed, skipped
  }

  let services: [Service]
  var states: [String: State] = [:]
  var healthy: Set<String> = []
  var unhealthy: Set<String> = []
  var expected: Set<String> = []
  var isFinished = false

  init(_ services: [Service]) {
    self.services = services
    for service in services { states[service.name] = .waiting }
  }

  /// true met, false unmet, nil open.
  private func holds(_ dependency: Dependency) -> Bool? {
    let name = dependency.service
    switch (dependency.condition, states[name]) {
    case (_, .failed), (_, .skipped):
      return dependency.condition == .healthy && healthy.contains(name) ? true : false
    case (.started, .running), (.started, .done): return true
    case (.healthy, .running) where healthy.contains(name): return true
    case (.healthy, .running) where unhealthy.contains(name): return false
    case (.healthy, .done): return healthy.contains(name)
    case (.completedSuccessfully, .done(let code)): return code == 0
    default: return nil
    }
  }

  /// What a dependency was when it first was not open any more stays.
  private var settled: [String: Bool] = [:]

  mutating func settle() {
    var isChanged = true
    while isChanged {
      isChanged = false
      for service in services where states[service.name] == .waiting {
        var results: [Bool?] = []
        for dependency in service.dependencies {
          let key = "\(service.name)>\(dependency.service)"
          let now = settled[key] ?? holds(dependency)
          settled[key] = now
          results.append(now == false && !dependency.isRequired ? true : now)
        }
        if results.contains(false) {
          states[service.name] = .skipped
          expected.insert("skip \(service.name)")
          isChanged = true
        } else if !results.contains(nil) {
          states[service.name] = .starting
          expected.insert("start \(service.name)")
          isChanged = true
        }
      }
    }
    if !isFinished, !states.values.contains(.waiting), !states.values.contains(.starting) {
      isFinished = true
      expected.insert("finished")
    }
  }

  mutating func compare(_ effects: [StartSchedule.Effect], seed: Int) {
    let given = effects.compactMap { effect -> String? in
      switch effect {
      case .passOver: nil
      case .start(let name): "start \(name)"
      case .skip(let name, _): "skip \(name)"
      case .finished: "finished"
      }
    }
    #expect(given.count == Set(given).count && Set(given) == expected, "seed \(seed)")
    if given.contains("finished") { #expect(given.last == "finished") }
    expected = []
  }

  func randomEvent(_ generator: inout SeededGenerator) -> StartSchedule.Event? {
    var events: [StartSchedule.Event] = []
    for service in services {
      let name = service.name
      switch states[name] {
      case .starting:
        events += [.started(name), .started(name), .started(name), .failed(name, reason: "r")]
      case .running:
        events.append(.completed(name, exitCode: Int32.random(in: 0...1, using: &generator)))
        if !healthy.contains(name) {
          events += [.healthy(name), .healthy(name)]
          if !unhealthy.contains(name) { events.append(.unhealthy(name, reason: "r")) }
        }
      default: break
      }
    }
    return events.randomElement(using: &generator)
  }

  mutating func apply(_ event: StartSchedule.Event) {
    switch event {
    case .started(let name): states[name] = .running
    case .healthy(let name):
      healthy.insert(name)
      unhealthy.remove(name)
    case .unhealthy(let name, _): unhealthy.insert(name)
    case .completed(let name, let code): states[name] = .done(code)
    case .failed(let name, _): states[name] = .failed
    }
  }
}
