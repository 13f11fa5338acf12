import StackModel
import TestSupport

/// A service that needs others, each `name`, `name healthy` or `name completed`, with a `?` at the end when it can do without.
func service(_ name: String, _ needs: String...) -> Service {
  var service = Service(name: name, root: .host)
  service.dependencies = needs.map { text in
    let isRequired = text.last != "?"
    let words = (isRequired ? text[...] : text.dropLast()).split(separator: " ").map(String.init)
    let condition: Dependency.Condition =
      switch words.dropFirst().first {
      case "healthy": .healthy
      case "completed": .completedSuccessfully
      default: .started
      }
    return Dependency(service: words[0], condition: condition, isRequired: isRequired)
  }
  return service
}

/// Services without a cycle, in an order of the file that has nothing to do with their dependencies.
func randomServices(_ count: Int, _ generator: inout SeededGenerator) -> [Service] {
  let names = (0..<count).map { "s\($0)" }.shuffled(using: &generator)
  let services = names.indices.map { index in
    var service = Service(name: names[index], root: .host)
    for _ in 0..<Int.random(in: 0...3, using: &generator) where index > 0 {
      let target = names[Int.random(in: 0..<index, using: &generator)]
      if service.dependencies.contains(where: { $0.service == target }) { continue }
      let conditions: [Dependency.Condition] = [.started, .healthy, .completedSuccessfully]
      service.dependencies.append(
        Dependency(
          service: target, condition: conditions[Int.random(in: 0..<3, using: &generator)],
          isRequired: Int.random(in: 0..<4, using: &generator) > 0))
    }
    return service
  }
  return services.shuffled(using: &generator)
}
