import InternetAddress
import LinuxSystem
import StackModel

// The binary forms of the records. A field is added at the end of its type, and the version goes up.

extension ContainerRecord: WireCodable {
  private static let version: UInt16 = 6
  /// The oldest that is read: what it did not have yet is at the end.
  private static let oldest: UInt16 = 4

  package init(from reader: inout WireReader) throws(WireError) {
    let version = try reader.integer(UInt16.self)
    guard (Self.oldest...Self.version).contains(version) else {
      throw reader.error("a container record of version \(Self.version)")
    }
    self.init(
      project: try reader.value(), service: try reader.value(), number: try reader.value(),
      configuration: try reader.value(), image: try reader.value(), imageID: try reader.value(),
      command: try reader.value(), createdAt: try reader.value(), dependencies: try reader.value(),
      attachments: try reader.value(), ports: try reader.value(), stopSignal: try reader.value(),
      stopGracePeriod: try reader.value(), restart: try Self.restart(from: &reader),
      labels: try Self.labels(from: &reader), networkOf: try reader.value(),
      containerName: try reader.value())
    life = try reader.value()
    isOneOff = try reader.value()
    logging = try reader.value()
    processesOf = try reader.value()
    communicationOf = try reader.value()
    networkConfiguration = try reader.value()
    if let index = try reader.value(Int?.self) {
      initPlace = InitStep.Place(index: index, replica: try reader.value())
    }
    if version >= 5 { machineUsersReason = try reader.value() }
    if version >= 6 { exposedPorts = try reader.value() }
  }

  package func write(to writer: inout WireWriter) {
    writer.integer(Self.version)
    writer.value(project)
    writer.value(service)
    writer.value(number)
    writer.value(configuration)
    writer.value(image)
    writer.value(imageID)
    writer.value(command)
    writer.value(createdAt)
    writer.value(dependencies)
    writer.value(attachments)
    writer.value(ports)
    writer.value(stopSignal)
    writer.value(stopGracePeriod)
    writeRestart(to: &writer)
    writer.value(labels.keys.sorted())
    for key in labels.keys.sorted() { writer.value(labels[key] ?? "") }
    writer.value(networkOf)
    writer.value(containerName)
    writer.value(life)
    writer.value(isOneOff)
    writer.value(logging)
    writer.value(processesOf)
    writer.value(communicationOf)
    writer.value(networkConfiguration)
    writer.value(initPlace?.index)
    if let initPlace { writer.value(initPlace.replica) }
    writer.value(machineUsersReason)
    writer.value(exposedPorts)
  }

  private static func labels(from reader: inout WireReader) throws(WireError) -> [String: String] {
    var labels: [String: String] = [:]
    for key in try reader.value([String].self) { labels[key] = try reader.value(String.self) }
    return labels
  }

  private static func restart(from reader: inout WireReader) throws(WireError) -> RestartPolicy {
    switch try reader.integer(UInt8.self) {
    case 0: return .no
    case 1: return .always
    case 2: return .unlessStopped
    case 3: return .onFailure(maximum: try reader.value())
    default: throw reader.error("a restart policy")
    }
  }

  private func writeRestart(to writer: inout WireWriter) {
    switch restart {
    case .no: writer.integer(UInt8(0))
    case .always: writer.integer(UInt8(1))
    case .unlessStopped: writer.integer(UInt8(2))
    case .onFailure(let maximum):
      writer.integer(UInt8(3))
      writer.value(maximum)
    }
  }
}

extension Logging: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init()
    isKept = try reader.value()
    maximumSize = try reader.value()
    maximumFiles = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(isKept)
    writer.value(maximumSize)
    writer.value(maximumFiles)
  }
}

extension ContainerRecord.Attachment: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(
      network: try reader.value(), address: IPv4Address(value: try reader.value()), aliases: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(network)
    writer.value(address.value)
    writer.value(aliases)
  }
}

extension ContainerRecord.PublishedPort: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(
      hostAddress: try reader.value(UInt32?.self).map(IPv4Address.init(value:)), hostPort: try reader.value(),
      containerPort: try reader.value(), transport: try reader.value(Bool.self) ? .udp : .tcp)
  }
  package func write(to writer: inout WireWriter) {
    writer.value(hostAddress?.value)
    writer.value(hostPort)
    writer.value(containerPort)
    writer.value(transport == .udp)
  }
}

extension ExposedPort: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(port: try reader.value(), transport: try reader.value(Bool.self) ? .udp : .tcp)
  }
  package func write(to writer: inout WireWriter) {
    writer.value(port)
    writer.value(transport == .udp)
  }
}

extension NetworkRecord: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    let (key, name, bridge): (String, String, String) = (try reader.value(), try reader.value(), try reader.value())
    let base = IPv4Address(value: try reader.value())
    guard let subnet = IPv4Subnet(base: base, prefixLength: try reader.value()) else {
      throw reader.error("a prefix length")
    }
    self.init(
      key: key, name: name, bridge: bridge, subnet: subnet, gateway: IPv4Address(value: try reader.value()),
      isInternal: try reader.value(), mtu: try reader.value(), isExternal: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(key)
    writer.value(name)
    writer.value(bridge)
    writer.value(subnet.base.value)
    writer.value(subnet.prefixLength)
    writer.value(gateway.value)
    writer.value(isInternal)
    writer.value(mtu)
    writer.value(isExternal)
  }
}
