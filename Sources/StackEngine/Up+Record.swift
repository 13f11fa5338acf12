import IsolationEngine
import LinuxSystem
import StackImages
import StackLifecycle
import StackModel
import StackPlan
import StackStore

/// What is written down of a container that an `up` makes.
extension UpOperation {
  func record(for service: PreparedService) throws -> ContainerRecord {
    let model = service.service
    let attachments = (plan.addresses.services[model.name] ?? [:]).sorted { $0.key < $1.key }
    let signalName = model.stopSignal ?? service.image?.stopSignal ?? "SIGTERM"
    guard let signal = SignalName.number(of: signalName) else {
      throw EngineError(.usage, model.name, "there is no signal \(signalName) (man 7 signal)")
    }
    let imageName = if case .image(let reference) = model.root { reference } else { "" }
    var record = ContainerRecord(
      project: plan.stack.name, service: model.serviceName, number: model.number,
      configuration: service.configuration.description,
      image: imageName, imageID: service.imageID,
      command: SpecificationBuilder.command(of: model, image: service.image),
      createdAt: service.existing?.record.flatMap { service.action.startsContainer ? $0.createdAt : nil }
        ?? KernelClock.realtime,
      dependencies: serviceNames(model.dependencies.map(\.service)).filter { $0 != model.serviceName }
        + model.namespaceOwners,
      attachments: attachments.map { network, address in
        .init(network: network, address: address, aliases: aliases(of: model, on: network))
      },
      ports: ports[model.name] ?? [], stopSignal: signal,
      stopGracePeriod: model.stopGracePeriod ?? StopOperation.defaultGracePeriod, restart: model.restart,
      labels: labels(of: model), networkOf: model.networkOwner, containerName: model.containerName)
    record.networkConfiguration = service.networkConfiguration.description
    record.life = lifeSettings(for: service)
    record.initPlace = model.initPlace
    record.isOneOff = model.isOneOff || model.initPlace != nil
    record.logging = model.logging ?? Logging()
    if case .networks = model.networkMode {
      let ofImage = (service.image?.exposedPorts ?? []).compactMap { ExposedPort($0) }
      record.exposedPorts = Set(ofImage + (model.exposedPorts ?? [])).sorted()
    }
    record.processesOf = model.pid?.owner
    record.communicationOf = model.ipc?.owner
    if case .machine(let reason) = try users.choice(for: service) { record.machineUsersReason = reason }
    return record
  }

  private func lifeSettings(for service: PreparedService) -> ContainerRecord.LifeSettings {
    let model = service.service
    var settings = ContainerRecord.LifeSettings()
    settings.healthCheck = service.healthCheck
    settings.restartTiming = model.restartTiming
    settings.postStart = model.postStart ?? []
    settings.preStop = model.preStop ?? []
    settings.restartsWith = serviceNames(model.dependencies.filter(\.restarts).map(\.service))
    settings.nameServers = model.dns
    return settings
  }

  /// The services of the containers that are named.
  func serviceNames(_ instances: [String]) -> [String] {
    var names: [String] = []
    for name in instances {
      let service = plan.service(name)?.serviceName ?? name
      if !names.contains(service) { names.append(service) }
    }
    return names
  }

  /// The name of the container of a service, or of one of its replicas.
  func containerName(of name: String) -> String {
    guard let service = plan.service(name) else { return name }
    return KernelNames.container(project: plan.stack.name, service)
  }

  private func aliases(of service: Service, on network: String) -> [String] {
    guard case .networks(let attachments) = service.networkMode else { return [] }
    return attachments.first { $0.network == network }?.aliases ?? []
  }

  /// With what a tool that finds the container asks of its stack.
  private func labels(of service: Service) -> [String: String] {
    var labels = service.labels
    labels[ContainerRecord.workingDirectoryLabel] = plan.stack.directory
    labels[ContainerRecord.configurationFilesLabel] = plan.stack.files?.joined(separator: ",")
    return labels
  }
}
