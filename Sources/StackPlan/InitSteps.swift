import StackModel

/// The steps before a service's start (`pre_start`) as services of their own: each waits for what the service needs and for
/// the steps before it, and the service waits for them.
struct InitSteps {
  let services: [Service]

  /// - Parameter count: the number of the service's containers.
  init(of service: Service, count: Int) {
    var services: [Service] = []
    for (index, step) in (service.preStart ?? []).enumerated() {
      for replica in step.isPerReplica ? (1...count).map(Optional.some) : [nil] {
        let place = InitStep.Place(index: index, replica: replica)
        var result = Self.service(of: step, at: place, in: service)
        result.dependencies += Self.needs(
          services.filter { before in
            // A step of all replicas comes after those of each.
            replica == nil || before.initPlace?.precedes(replica: replica ?? 1) == true
          })
        services.append(result)
      }
    }
    self.services = services
  }

  /// What a replica waits for.
  func dependencies(of replica: Int) -> [Dependency] {
    Self.needs(services.filter { $0.initPlace?.precedes(replica: replica) == true })
  }

  private static func needs(_ steps: [Service]) -> [Dependency] {
    steps.map { Dependency(service: $0.name, condition: .completedSuccessfully) }
  }

  /// The service as it is for one command, and nobody's to reach.
  private static func service(of step: InitStep, at place: InitStep.Place, in service: Service) -> Service {
    var result = service
    result.name = place.instanceName(of: service.name)
    result.instance = ServiceInstance(service: service.name, kind: .initStep(place))
    result.containerName = nil
    result.replicas = nil
    (result.preStart, result.postStart, result.preStop) = (nil, nil, nil)
    (result.entrypoint, result.command) = (nil, step.command)
    if let image = step.image, image != service.root.imageName {
      result.root = .image(image)
      result.user = nil
      // What another image has in the place of a volume is not the volume's first content.
      for index in result.mounts.indices { result.mounts[index].keepsEmpty = true }
    }
    result.user = step.user ?? result.user
    result.workingDirectory = step.workingDirectory ?? service.workingDirectory
    for variable in step.environment {
      result.environment.removeAll { $0.name == variable.name }
      result.environment.append(variable)
    }
    result.isPrivileged = step.isPrivileged
    result.hasTerminal = false
    result.keepsStandardInput = nil
    result.labels = [:]
    result.ports = []
    result.becomeOneCommand(keepingAliases: false)
    return result
  }
}

extension Service {
  /// Leaves out what is a service's alone: a command ends when it is done, nobody waits for its health, and the addresses are
  /// those of the service.
  package mutating func becomeOneCommand(keepingAliases keepsAliases: Bool) {
    restart = .no
    restartTiming = nil
    healthCheck = HealthCheck()
    healthCheck?.isDisabled = true
    guard case .networks(var attachments) = networkMode else { return }
    for index in attachments.indices {
      attachments[index].address = nil
      attachments[index].hardwareAddress = nil
      if !keepsAliases { attachments[index].aliases = [] }
    }
    networkMode = .networks(attachments)
  }
}
