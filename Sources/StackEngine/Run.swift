import Glibc
import LinuxSystem
import StackModel
import StackPlan
import StackStore
import SystemPackage

package struct RunOptions: Hashable, Sendable {
  package var service: String
  /// nil is the service's own.
  package var command: [String]?
  package var entrypoint: [String]?
  package var environment: [EnvironmentVariable] = []
  package var user: String?
  package var workingDirectory: String?
  package var name: String?
  package var labels: [String: String] = [:]
  package var mounts: [Mount] = []
  package var ports: [PortMapping] = []
  package var addedCapabilities: [String] = []
  package var droppedCapabilities: [String] = []
  package var publishesServicePorts = false
  package var usesAliases = false
  package var withoutDependencies = false
  package var hasTerminal = false
  /// Nobody writes into its standard input now, and somebody may later (`attach`).
  package var keepsStandardInput = false
  package var removesOrphans = false
  package var ignoresOrphans = false
  package var recordsCalls = false

  package init(service: String) {
    self.service = service
  }
}

/// A container that was made for one command.
package struct OneOffContainer {
  package let directory: ContainerDirectory
  /// Its terminal, when it has one that the caller wanted.
  package let terminal: SharedDescriptor?
}

extension Engine {
  /// Starts a container of a service for one command, and before it what the service depends on.
  ///
  /// - Parameter streams: standard input, output and error of the command; nil is its log.
  package func run(
    _ stack: Stack, _ options: RunOptions, streams: [FileDescriptor]?, interruption: FileDescriptor? = nil
  ) throws(EngineError) -> OneOffContainer {
    guard let service = stack.services.first(where: { $0.name == options.service }) else {
      throw EngineError(.failure, "no such service: \(options.service)")
    }
    let oneOff = Self.oneOff(of: service, options)
    var extended = stack
    extended.services.append(oneOff)
    var up = UpOptions()
    up.services = [oneOff.name]
    up.withoutDependencies = options.withoutDependencies
    up.removesOrphans = options.removesOrphans
    up.ignoresOrphans = options.ignoresOrphans
    let kind: ContainerStreams = streams == nil ? .log : options.hasTerminal ? .terminal : .given
    let (containers, terminal) = try self.up(
      extended, up, interruption: interruption,
      foreground: Foreground(
        service: oneOff.name, kind: kind, streams: kind == .given ? streams ?? [] : []))
    guard let directory = containers.last else { throw EngineError(.failure, options.service, "was not started") }
    return OneOffContainer(directory: directory, terminal: terminal)
  }

  private static func oneOff(of service: Service, _ options: RunOptions) -> Service {
    var result = service
    let identifier = String(KernelClock.monotonic & 0xFFFF_FFFF ^ UInt64(getpid()) << 16, radix: 16)
    result.instance = ServiceInstance(service: service.name, kind: .oneOff(identifier))
    result.name = "\(service.name)#run"
    result.containerName = options.name
    result.replicas = nil
    // The steps before a start are for the service's own containers.
    result.preStart = nil
    result.command = options.command ?? service.command
    if let entrypoint = options.entrypoint { (result.entrypoint, result.command) = (entrypoint, options.command ?? []) }
    for variable in options.environment {
      result.environment.removeAll { $0.name == variable.name }
      result.environment.append(variable)
    }
    if let user = options.user { result.user = user }
    if let directory = options.workingDirectory { result.workingDirectory = directory }
    result.labels.merge(options.labels) { _, own in own }
    result.mounts.removeAll { mount in options.mounts.contains { $0.target == mount.target } }
    result.mounts += options.mounts
    result.ports = (options.publishesServicePorts ? service.ports : []) + options.ports
    result.addedCapabilities += options.addedCapabilities
    result.droppedCapabilities += options.droppedCapabilities
    result.hasTerminal = options.hasTerminal
    result.keepsStandardInput = options.keepsStandardInput ? true : nil
    result.recordsCalls = options.recordsCalls ? true : nil
    result.becomeOneCommand(keepingAliases: options.usesAliases)
    return result
  }

  /// Stops a container that was made for one command, as `stop` does.
  package func stop(oneOff directory: ContainerDirectory, of project: String) throws(EngineError) {
    try locked(project) { _ throws(EngineError) in
      let status = try engineStep(directory.name) { try ContainerStatus(directory) }
      try StopOperation(engine: self, timeout: nil).stop([status])
    }
  }

  /// Removes a container that was made for one command and has ended.
  package func remove(oneOff directory: ContainerDirectory, of project: String) throws(EngineError) {
    try locked(project) { _ throws(EngineError) in try engineStep(directory.name) { try directory.remove() } }
  }
}
