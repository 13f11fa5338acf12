import InternetAddress
import LinuxSystem
import StackModel

/// What a stack knows of one of its containers, from its creation on.
package struct ContainerRecord: Hashable, Sendable {
  package var project: String
  package var service: String
  package var number: Int
  /// The hash of everything the container was made from: when it differs, `up` makes a new one.
  package var configuration: String
  /// The hash of its networks: when that differs, `up` starts it again on what they are now.
  package var networkConfiguration = ""
  /// As the user named it; empty for a root file system that is no image.
  package var image: String
  package var imageID: String
  package var command: [String]
  /// Nanoseconds since 1970.
  package var createdAt: UInt64
  package var dependencies: [String]
  package var attachments: [Attachment]
  package var ports: [PublishedPort]
  package var stopSignal: Int32
  /// Nanoseconds.
  package var stopGracePeriod: UInt64
  package var restart: RestartPolicy
  package var labels: [String: String]
  /// The service whose network it shares.
  package var networkOf: String?
  /// The services whose processes and whose IPC it shares.
  package var processesOf: String?
  package var communicationOf: String?
  /// `container_name`; nil is the directory's name.
  package var containerName: String?
  package var life = LifeSettings()
  /// Not one of the service's replicas: made by `run`, or a step before the service's start.
  package var isOneOff = false
  /// Which step before the service's start it is (`pre_start`); nil is none.
  package var initPlace: InitStep.Place?
  /// Why it has the machine's user namespace; nil when it has one of its own, or nobody knows any more.
  package var machineUsersReason: String?
  /// What it listens on, published or not, as the file and the image say; each once, in order. Empty where it has no network.
  package var exposedPorts: [ExposedPort] = []
  /// How much of what it writes is kept.
  package var logging = Logging()

  package init(
    project: String, service: String, number: Int, configuration: String, image: String, imageID: String,
    command: [String], createdAt: UInt64, dependencies: [String], attachments: [Attachment], ports: [PublishedPort],
    stopSignal: Int32, stopGracePeriod: UInt64, restart: RestartPolicy, labels: [String: String],
    networkOf: String?, containerName: String? = nil
  ) {
    self.project = project
    self.service = service
    self.number = number
    self.configuration = configuration
    self.image = image
    self.imageID = imageID
    self.command = command
    self.createdAt = createdAt
    self.dependencies = dependencies
    self.attachments = attachments
    self.ports = ports
    self.stopSignal = stopSignal
    self.stopGracePeriod = stopGracePeriod
    self.restart = restart
    self.labels = labels
    self.networkOf = networkOf
    self.containerName = containerName
  }

  /// The services in whose namespaces it lives, each once.
  package var namespaceOwners: Set<String> { Set([networkOf, processesOf, communicationOf].compactMap { $0 }) }

  /// A container's place in a network.
  package struct Attachment: Hashable, Sendable {
    /// The key of the network in the file.
    package var network: String
    package var address: IPv4Address
    /// Further names of the container on this network.
    package var aliases: [String]

    package init(network: String, address: IPv4Address, aliases: [String] = []) {
      self.network = network
      self.address = address
      self.aliases = aliases
    }
  }

  /// What is to happen to a container after its start.
  package struct LifeSettings: Hashable, Sendable {
    /// Complete, with its probe; nil when there is none.
    package var healthCheck: HealthCheck?
    package var restartTiming: RestartTiming?
    package var preStop: [LifecycleHook] = []
    package var postStart: [LifecycleHook] = []
    /// Services whose explicit restart restarts this one too.
    package var restartsWith: [String] = []
    /// The servers that names are asked of which are not the stack's; empty is the machine's.
    package var nameServers: [String] = []

    package init() {}
  }

  /// A port of the host that leads to a port of the container. The host's port is known: never 0.
  package struct PublishedPort: Hashable, Sendable {
    package var hostAddress: IPv4Address?
    package var hostPort: UInt16
    package var containerPort: UInt16
    package var transport: PortMapping.TransportProtocol

    package init(
      hostAddress: IPv4Address?, hostPort: UInt16, containerPort: UInt16, transport: PortMapping.TransportProtocol
    ) {
      self.hostAddress = hostAddress
      self.hostPort = hostPort
      self.containerPort = containerPort
      self.transport = transport
    }
  }
}

/// A network of a stack as it was made.
package struct NetworkRecord: Hashable, Sendable {
  package var key: String
  package var name: String
  package var bridge: String
  package var subnet: IPv4Subnet
  package var gateway: IPv4Address
  package var isInternal: Bool
  package var mtu: Int?
  /// Somebody else's: it is neither made nor removed here, nor are its rules and names.
  package var isExternal = false

  package init(
    key: String, name: String, bridge: String, subnet: IPv4Subnet, gateway: IPv4Address, isInternal: Bool, mtu: Int?,
    isExternal: Bool = false
  ) {
    self.isExternal = isExternal
    self.key = key
    self.name = name
    self.bridge = bridge
    self.subnet = subnet
    self.gateway = gateway
    self.isInternal = isInternal
    self.mtu = mtu
  }
}

/// A container's process that was started. Written by its shim.
package struct RunRecord: Hashable, Sendable {
  package var process: ProcessIdentity
  /// The shim that started it.
  package var shim: ProcessIdentity
  /// Nanoseconds since 1970.
  package var startedAt: UInt64
  /// Counts the starts of the container, from 1.
  package var run: Int

  package init(process: ProcessIdentity, shim: ProcessIdentity, startedAt: UInt64, run: Int) {
    self.process = process
    self.shim = shim
    self.startedAt = startedAt
    self.run = run
  }
}

/// How a container's process ended. Written by its shim, after the last of its output is in the log.
package struct ExitRecord: Hashable, Sendable {
  package var status: ExitStatus
  package var run: Int
  /// Nanoseconds since 1970.
  package var finishedAt: UInt64
  /// Whether the kernel killed a process of the container because of its memory limit.
  package var wasOutOfMemory: Bool

  package init(status: ExitStatus, run: Int, finishedAt: UInt64, wasOutOfMemory: Bool) {
    self.status = status
    self.run = run
    self.finishedAt = finishedAt
    self.wasOutOfMemory = wasOutOfMemory
  }
}

extension ContainerRecord {
  /// The name of the container among all of its stack (`Service.name` of a stack that is taken apart).
  package var instanceName: String {
    if let initPlace { return initPlace.instanceName(of: service) }
    return number == 1 ? service : "\(service)#\(number)"
  }

  /// Made for one command, by `run`.
  package var isMadeByRun: Bool { isOneOff && initPlace == nil }
}
