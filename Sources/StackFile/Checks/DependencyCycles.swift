import StackModel

/// Services that wait for each other would wait for ever.
struct DependencyCycles {
  let services: [DecodedService]
  let report: Report

  private enum State {
    case unseen
    case onPath
    case done
  }

  /// A depth-first search in the order of the file: each cycle is found once, at its edge that closes it, and the
  /// search is linear. It keeps its own stack, so that a long chain of services cannot exhaust the process's.
  func check() {
    let index = Dictionary(services.enumerated().map { ($1.service.name, $0) }, uniquingKeysWith: { first, _ in first })
    let edges = services.map { $0.service.dependencies.compactMap { index[$0.service] } }
    var states = [State](repeating: .unseen, count: services.count)
    for start in services.indices where states[start] == .unseen {
      var path = [start]
      var next = [0]
      states[start] = .onPath
      while let current = path.last {
        let edge = next[next.count - 1]
        guard edge < edges[current].count else {
          states[current] = .done
          path.removeLast()
          next.removeLast()
          continue
        }
        next[next.count - 1] += 1
        let target = edges[current][edge]
        switch states[target] {
        case .done: continue
        case .onPath: found(Array(path[(path.firstIndex(of: target) ?? 0)...]))
        case .unseen:
          states[target] = .onPath
          path.append(target)
          next.append(0)
        }
      }
    }
  }

  private func found(_ cycle: [Int]) {
    guard let first = cycle.first else { return }
    let names = (cycle + [first]).map { services[$0].service.name }
    var places: [String] = []
    var mark = services[first].member.mark
    for (position, index) in cycle.enumerated() {
      let edge = services[index].member.value["depends_on"]?.member(names[position + 1])
      guard let edge else { continue }
      if position == 0 { mark = edge.mark }
      places.append("\(names[position]) waits for \(names[position + 1]) in \(report.place(edge.mark, from: mark))")
    }
    report.error(
      mark, "services.\(names[0]).depends_on", "dependency cycle: \(names.joined(separator: " -> "))",
      hint: places.joined(separator: ", ") + "; remove one of these")
  }
}
