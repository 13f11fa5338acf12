import StackModel

/// A stack taken apart into its containers: each replica becomes a service of its own, which others then need one by one.
extension Stack {
  /// - Parameter counts: the number of containers by service, instead of what the file says.
  package func scaled(_ counts: [String: Int] = [:]) -> Stack {
    func count(_ service: Service) -> Int { counts[service.name] ?? service.replicas ?? 1 }
    if services.allSatisfy({ count($0) == 1 && $0.preStart == nil }) { return self }
    let numbers = Dictionary(services.map { ($0.name, count($0)) }, uniquingKeysWith: { first, _ in first })
    var result = self
    result.services = []
    var further: [Service] = []
    for service in services where count(service) > 0 {
      var first = service
      first.dependencies = Self.expanded(service.dependencies, numbers)
      var replicas = [first]
      for number in 2..<max(3, count(service) + 1) where number <= count(service) {
        var replica = first
        replica.instance = ServiceInstance(service: service.name, kind: .replica(number))
        replica.name = Self.instanceName(service.name, number)
        replicas.append(replica)
      }
      let steps = InitSteps(of: first, count: replicas.count)
      for index in replicas.indices { replicas[index].dependencies += steps.dependencies(of: index + 1) }
      result.services.append(replicas[0])
      further += replicas.dropFirst() + steps.services
    }
    // At the end: the addresses of what there was before stay as they are.
    result.services += further
    return result
  }

  /// What a replica is called inside: no service of a file can have such a name.
  package static func instanceName(_ service: String, _ number: Int) -> String {
    number == 1 ? service : "\(service)#\(number)"
  }

  /// The names of all containers of services, in a stack that is taken apart.
  package func instances(of names: [String]) -> [String] {
    let wanted = Set(names)
    return services.filter { wanted.contains($0.name) || !$0.isOneOff && wanted.contains($0.serviceName) }.map(\.name)
  }

  private static func expanded(_ dependencies: [Dependency], _ numbers: [String: Int]) -> [Dependency] {
    dependencies.flatMap { dependency -> [Dependency] in
      guard let count = numbers[dependency.service] else { return [dependency] }
      return (0..<count).map { index in
        var one = dependency
        one.service = instanceName(dependency.service, index + 1)
        return one
      }
    }
  }
}
