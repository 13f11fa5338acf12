import StackModel
import StackPlan
import TestSupport
import Testing

@Suite struct StopScheduleTests {
  @Test func `what is needed is stopped last, everything independent at once`() throws {
    let services = [
      service("web", "api"), service("api", "db", "cache"), service("db"), service("cache"), service("x"),
    ]
    var schedule = StopSchedule(try DependencyGraph(services))
    #expect(schedule.begin() == [.stop("web"), .stop("x")])
    #expect(schedule.stopped("web") == [.stop("api")])
    #expect(schedule.stopped("web") == [])
    #expect(schedule.stopped("nobody") == [])
    #expect(schedule.stopped("api") == [.stop("db"), .stop("cache")])
    #expect(schedule.stopped("cache") == [])
    #expect(schedule.stopped("x") == [])
    #expect(schedule.stopped("db") == [.finished])
  }

  @Test func `a service that ends by itself is not stopped any more`() throws {
    var schedule = StopSchedule(try DependencyGraph([service("web", "db"), service("db")]))
    #expect(schedule.begin() == [.stop("web")])
    #expect(schedule.stopped("db") == [])
    #expect(schedule.stopped("web") == [.finished])
  }

  @Test func `a selection does not wait for others`() throws {
    let graph = try DependencyGraph([service("web", "db"), service("db", "disk"), service("disk")])
    var schedule = StopSchedule(graph, selection: ["db", "disk"])
    #expect(schedule.begin() == [.stop("db")])
    #expect(schedule.stopped("db") == [.stop("disk")])
    #expect(schedule.stopped("disk") == [.finished])
    var empty = StopSchedule(graph, selection: [])
    #expect(empty.begin() == [.finished])
  }

  @Test func `random graphs stop each service once, after all that need it`() throws {
    for seed in 0..<200 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let services = randomServices(Int.random(in: 1...30, using: &generator), &generator)
      let graph = try DependencyGraph(services)
      var schedule = StopSchedule(graph)
      var stopped: Set<String> = []
      var stopping: [String] = []
      var finished = 0
      func take(_ effects: [StopSchedule.Effect]) {
        for effect in effects {
          switch effect {
          case .stop(let name):
            #expect(graph.dependents(of: name).allSatisfy { stopped.contains($0.service) })
            stopping.append(name)
          case .finished: finished += 1
          }
        }
      }
      take(schedule.begin())
      while !stopping.isEmpty {
        let name = stopping.remove(at: Int.random(in: 0..<stopping.count, using: &generator))
        #expect(stopped.insert(name).inserted)
        take(schedule.stopped(name))
      }
      #expect(stopped.count == services.count && finished == 1)
    }
  }
}
