import StackModel
import StackPlan
import TestSupport
import Testing

@Suite struct DependencyGraphTests {
  @Test func `the order is that of the file where nothing else is asked`() throws {
    let graph = try DependencyGraph([service("c"), service("a", "z"), service("b"), service("z")])
    #expect(graph.startOrder == ["c", "z", "a", "b"])
    #expect(graph.stopOrder == ["b", "a", "z", "c"])
  }

  @Test func `a cycle is named as a whole, whatever the order of the file`() {
    let services = [service("x", "c"), service("c", "a"), service("b", "c"), service("a", "b"), service("d", "x")]
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<20 {
      #expect(throws: DependencyError.cycle(["a", "b", "c", "a"])) {
        try DependencyGraph(services.shuffled(using: &generator))
      }
    }
    #expect(throws: DependencyError.cycle(["a", "a"])) { try DependencyGraph([service("a", "a")]) }
    let error = DependencyError.cycle(["a", "b", "a"])
    #expect("\(error)" == "services depend on each other: a -> b -> a")
  }

  @Test func `of several cycles the first by name is told`() {
    let services = [service("y", "z"), service("z", "y"), service("b", "a"), service("a", "b")]
    #expect(throws: DependencyError.cycle(["a", "b", "a"])) { try DependencyGraph(services) }
  }

  @Test func `a service that does not exist is an error only when it is required`() throws {
    #expect(throws: DependencyError.unknownService("b", neededBy: "a")) { try DependencyGraph([service("a", "b")]) }
    #expect(try DependencyGraph([service("a", "b?")]).dependencies(of: "a").isEmpty)
  }

  @Test func `a shared network namespace is a dependency`() throws {
    var guest = service("guest")
    guest.networkMode = .service("owner")
    #expect(try DependencyGraph([guest, service("owner")]).startOrder == ["owner", "guest"])
    // An explicit condition stands; what is optional for the order is required for the namespace.
    guest.dependencies = [Dependency(service: "owner", condition: .healthy, isRequired: false)]
    let graph = try DependencyGraph([guest, service("owner")])
    #expect(graph.dependencies(of: "guest") == [Dependency(service: "owner", condition: .healthy, isRequired: true)])
    #expect(throws: DependencyError.unknownService("owner", neededBy: "guest")) { try DependencyGraph([guest]) }
    #expect(throws: DependencyError.cycle(["guest", "owner", "guest"])) {
      try DependencyGraph([guest, service("owner", "guest")])
    }
  }

  @Test func `dependencies, dependents and closures`() throws {
    let graph = try DependencyGraph([
      service("web", "api healthy"), service("api", "db", "cache?"), service("db"), service("cache"), service("other"),
    ])
    #expect(
      graph.dependencies(of: "api") == [
        Dependency(service: "db"), Dependency(service: "cache", isRequired: false),
      ])
    #expect(graph.dependents(of: "api") == [Dependency(service: "web", condition: .healthy)])
    #expect(graph.dependents(of: "nobody").isEmpty)
    #expect(graph.closure(of: ["web"]) == ["web", "api", "db", "cache"])
    #expect(graph.closure(of: ["cache", "other", "nobody"]) == ["cache", "other"])
    #expect(graph.dependentsClosure(of: ["cache"]) == ["web", "api", "cache"])
  }

  @Test func `random graphs have an order in which everything stands after what it needs`() throws {
    for seed in 0..<200 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let services = randomServices(Int.random(in: 1...40, using: &generator), &generator)
      let order = try DependencyGraph(services).startOrder
      #expect(order.sorted() == services.map(\.name).sorted())
      let place = Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1, $0) })
      for service in services {
        for dependency in service.dependencies {
          #expect(place[dependency.service, default: .max] < place[service.name, default: -1])
        }
      }
    }
  }

  @Test func `random graphs with an edge back have a cycle that exists`() throws {
    for seed in 0..<200 {
      var generator = SeededGenerator(seed: UInt64(seed))
      var services = randomServices(20, &generator)
      let graph = try DependencyGraph(services)
      guard let from = services.indices.first(where: { !services[$0].dependencies.isEmpty }) else { continue }
      let target = services[from].dependencies[0].service
      guard let back = services.firstIndex(where: { $0.name == target }) else { continue }
      services[back].dependencies.append(Dependency(service: services[from].name))
      #expect(graph.startOrder.count == 20)
      do {
        _ = try DependencyGraph(services)
        Issue.record("no cycle found with seed \(seed)")
      } catch {
        guard case .cycle(let cycle) = error else {
          Issue.record("not a cycle: \(error)")
          continue
        }
        #expect(cycle.first == cycle.last && cycle.count > 1 && cycle.dropLast().min() == cycle.first)
        for (name, next) in zip(cycle, cycle.dropFirst()) {
          let dependencies = services.first { $0.name == name }?.dependencies ?? []
          #expect(dependencies.contains { $0.service == next })
        }
      }
    }
  }

  @Test func `a chain as long as the largest file needs no stack`() throws {
    let services = (0..<100_000).map { $0 == 0 ? service("s0") : service("s\($0)", "s\($0 - 1)") }
    let graph = try DependencyGraph(services.reversed())
    #expect(graph.startOrder.first == "s0" && graph.startOrder.count == services.count)
  }
}
