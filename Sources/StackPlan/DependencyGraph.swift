import StackModel

/// Why services have no order of starting.
package enum DependencyError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The services of a cycle in the order of dependence; the first is repeated at the end.
  case cycle([String])
  case unknownService(String, neededBy: String)

  package var description: String {
    switch self {
    case .cycle(let services): "services depend on each other: \(services.joined(separator: " -> "))"
    case .unknownService(let name, let dependent): "service \(dependent) depends on \(name), which does not exist"
    }
  }
}

/// Which services need which others, and on what condition: a graph that has an order, because it has no cycle.
///
/// Services are known by their position in the file inside, by their name outside. Everything here takes time linear in the
/// number of services and dependencies.
package struct DependencyGraph: Sendable, Hashable {
  package struct Edge: Sendable, Hashable {
    /// The position of the service that is needed, or of the one that needs.
    package let service: Int
    package let condition: Dependency.Condition
    package let isRequired: Bool
  }

  /// In the order of the file.
  package let services: [String]
  private let positions: [String: Int]
  /// For each service what it needs, in the order in which the file says so.
  let needs: [[Edge]]
  /// For each service what needs it, in the order of the file.
  let neededBy: [[Edge]]
  /// Positions such that everything stands after what it needs: the order of the file, but for services that are drawn
  /// forward by those that need them.
  let order: [Int]

  /// `depends_on`, and `network_mode: service:x`, which needs a started x.
  package init(_ services: [Service]) throws(DependencyError) {
    self.services = services.map(\.name)
    let positions = Dictionary(self.services.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    self.positions = positions
    var needs: [[Edge]] = []
    needs.reserveCapacity(services.count)
    for service in services {
      var edges: [Edge] = []
      for dependency in Self.dependencies(of: service) {
        if let target = positions[dependency.service] {
          let edge = Edge(service: target, condition: dependency.condition, isRequired: dependency.isRequired)
          edges.append(edge)
        } else if dependency.isRequired {
          throw .unknownService(dependency.service, neededBy: service.name)
        }
      }
      needs.append(edges)
    }
    self.needs = needs
    var neededBy = [[Edge]](repeating: [], count: services.count)
    for (dependent, edges) in needs.enumerated() {
      for edge in edges {
        let back = Edge(service: dependent, condition: edge.condition, isRequired: edge.isRequired)
        neededBy[edge.service].append(back)
      }
    }
    self.neededBy = neededBy
    switch depthFirst(needs, from: needs.indices) {
    case .order(let order): self.order = order
    case .cycle: throw .cycle(Self.namedCycle(self.services, needs))
    }
  }

  /// An explicit dependency stands for an implied one on the same service: started is the least it can ask.
  private static func dependencies(of service: Service) -> [Dependency] {
    service.namespaceOwners.reduce(service.dependencies) { dependencies, owner in
      if dependencies.contains(where: { $0.service == owner && $0.isRequired }) { return dependencies }
      let explicit = dependencies.first { $0.service == owner }
      let others = dependencies.filter { $0.service != owner }
      return others + [Dependency(service: owner, condition: explicit?.condition ?? .started)]
    }
  }

  /// The same cycle whatever the order of the file: searched by name, and turned so that its smallest name comes first.
  private static func namedCycle(_ services: [String], _ needs: [[Edge]]) -> [String] {
    let byName = services.indices.sorted { services[$0] < services[$1] }
    let sorted = needs.map { edges in edges.sorted { services[$0.service] < services[$1.service] } }
    guard case .cycle(let cycle) = depthFirst(sorted, from: byName) else { return [] }
    let names = cycle.map { services[$0] }
    let first = names.indices.min { names[$0] < names[$1] } ?? 0
    return Array(names[first...] + names[...first])
  }

  package func position(of service: String) -> Int? { positions[service] }

  /// Everything stands after what it needs.
  package var startOrder: [String] { order.map { services[$0] } }

  /// Everything stands before what it needs.
  package var stopOrder: [String] { order.reversed().map { services[$0] } }

  /// What `service` itself needs; empty for a service that does not exist.
  package func dependencies(of service: String) -> [Dependency] {
    positions[service].map { dependencies($0, needs) } ?? []
  }

  /// What itself needs `service`.
  package func dependents(of service: String) -> [Dependency] {
    positions[service].map { dependencies($0, neededBy) } ?? []
  }

  private func dependencies(_ position: Int, _ edges: [[Edge]]) -> [Dependency] {
    edges[position].map {
      Dependency(service: services[$0.service], condition: $0.condition, isRequired: $0.isRequired)
    }
  }

  /// The named services and all that they need, directly or not, in the order of the file. Names that do not exist are left
  /// out.
  package func closure(of names: some Sequence<String>) -> [String] {
    reachable(from: names, needs)
  }

  /// The named services and all that need them, directly or not, in the order of the file.
  package func dependentsClosure(of names: some Sequence<String>) -> [String] {
    reachable(from: names, neededBy)
  }

  private func reachable(from names: some Sequence<String>, _ edges: [[Edge]]) -> [String] {
    var isReached = [Bool](repeating: false, count: services.count)
    var pending = names.compactMap { positions[$0] }
    while let next = pending.popLast() {
      if isReached[next] { continue }
      isReached[next] = true
      pending.append(contentsOf: edges[next].map(\.service))
    }
    return services.indices.filter { isReached[$0] }.map { services[$0] }
  }
}

/// What a search along the edges of a graph finds.
private enum SearchResult {
  /// Every service after those that it needs.
  case order([Int])
  /// Each needs the next, and the last the first.
  case cycle([Int])
}

/// How far a search came with a service.
private enum SearchMark {
  case new
  case open
  case done
}

/// Depth first without recursion: a chain of dependencies may be as long as the file.
private func depthFirst(_ needs: [[DependencyGraph.Edge]], from starts: some Sequence<Int>) -> SearchResult {
  var marks = [SearchMark](repeating: .new, count: needs.count)
  var order: [Int] = []
  order.reserveCapacity(needs.count)
  for start in starts where marks[start] == .new {
    var path: [(service: Int, next: Int)] = [(start, 0)]
    marks[start] = .open
    while let (service, next) = path.last {
      guard next < needs[service].count else {
        marks[service] = .done
        order.append(service)
        path.removeLast()
        continue
      }
      path[path.count - 1].next += 1
      let target = needs[service][next].service
      switch marks[target] {
      case .new:
        marks[target] = .open
        path.append((target, 0))
      case .open:
        return .cycle(path.drop { $0.service != target }.map(\.service))
      case .done:
        break
      }
    }
  }
  return .order(order)
}
