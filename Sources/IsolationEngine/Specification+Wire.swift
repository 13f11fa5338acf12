import InternetAddress
import LinuxCgroup
import LinuxNetlink
import LinuxSystem

// The binary form of a specification. A field is added at the end of its type, and `version` goes up.

extension ContainerSpecification: WireCodable {
  private static let version: UInt16 = 6

  package init(from reader: inout WireReader) throws(WireError) {
    guard try reader.integer(UInt16.self) == Self.version else {
      throw reader.error("a container specification of version \(Self.version)")
    }
    self.init(
      id: try reader.value(), directory: try reader.value(), root: try reader.value(), hostname: try reader.value(),
      process: try reader.value(), namespaces: try reader.value(), cgroup: try reader.value())
    interfaces = try reader.value()
    mounts = try reader.value()
    isPrivileged = try reader.value()
    capabilities = try reader.value()
    noNewPrivileges = try reader.value()
    seccomp = try reader.value(Bool.self) ? try reader.data() : nil
    recordsCalls = try reader.value()
    resourceLimits = try reader.value()
    sysctls = try reader.value()
    devices = try reader.value()
    oomScoreAdjustment = try reader.value()
    domainName = try reader.value()
  }

  package func write(to writer: inout WireWriter) {
    writer.integer(Self.version)
    writer.value(id)
    writer.value(directory)
    writer.value(root)
    writer.value(hostname)
    writer.value(process)
    writer.value(namespaces)
    writer.value(cgroup)
    writer.value(interfaces)
    writer.value(mounts)
    writer.value(isPrivileged)
    writer.value(capabilities)
    writer.value(noNewPrivileges)
    writer.value(seccomp != nil)
    if let seccomp { writer.data(seccomp) }
    writer.value(recordsCalls)
    writer.value(resourceLimits)
    writer.value(sysctls)
    writer.value(devices)
    writer.value(oomScoreAdjustment)
    writer.value(domainName)
  }
}

extension RootSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(layers: try reader.value())
    isReadOnly = try reader.value()
    isMachine = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(layers)
    writer.value(isReadOnly)
    writer.value(isMachine)
  }
}

extension ProcessSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(
      arguments: try reader.value(), environment: try reader.value(), workingDirectory: try reader.value(),
      user: try reader.value(), hasTerminal: try reader.value(), usesInit: try reader.value())
    keepsInput = try reader.value()
    groups = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(arguments)
    writer.value(environment)
    writer.value(workingDirectory)
    writer.value(user)
    writer.value(hasTerminal)
    writer.value(usesInit)
    writer.value(keepsInput)
    writer.value(groups)
  }
}

extension NamespaceSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(network: try reader.value(), users: try reader.value())
    processes = try reader.value()
    communication = try reader.value()
    sharesHostname = try reader.value()
    sharesCgroups = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(network)
    writer.value(users)
    writer.value(processes)
    writer.value(communication)
    writer.value(sharesHostname)
    writer.value(sharesCgroups)
  }
}

extension NamespaceSpecification.Source: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    switch try reader.integer(UInt8.self) {
    case 0: self = .own
    case 1: self = .host
    case 2: self = .of(try reader.value())
    default: throw reader.error("where a namespace comes from")
    }
  }
  package func write(to writer: inout WireWriter) {
    switch self {
    case .own: writer.integer(UInt8(0))
    case .host: writer.integer(UInt8(1))
    case .of(let process):
      writer.integer(UInt8(2))
      writer.value(process)
    }
  }
}

extension UserMapping: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(base: try reader.value(), count: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(base)
    writer.value(count)
  }
}

extension InterfaceSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(
      name: try reader.value(), hostName: try reader.value(), bridge: try reader.value(), group: try reader.value(),
      address: IPv4Address(value: try reader.value()),
      prefixLength: try reader.value(), gateway: try reader.value(UInt32?.self).map(IPv4Address.init(value:)),
      mtu: try reader.value(), isHairpin: try reader.value())
    hardwareAddress = try reader.value(UInt64?.self).map(MACAddress.init(value:))
  }
  package func write(to writer: inout WireWriter) {
    writer.value(name)
    writer.value(hostName)
    writer.value(bridge)
    writer.value(group)
    writer.value(address.value)
    writer.value(prefixLength)
    writer.value(gateway?.value)
    writer.value(mtu)
    writer.value(isHairpin)
    writer.value(hardwareAddress?.value)
  }
}

extension MountSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    let source: Source
    switch try reader.integer(UInt8.self) {
    case 0: source = .bind(try reader.value())
    case 1: source = .volume(try reader.value())
    case 2: source = .ownFile(content: try reader.value())
    case 3: source = .tmpfs(options: try reader.value())
    case 4:
      source = .grantedFile(
        content: try reader.data(),
        access: FileAccess(
          uid: try reader.integer(UInt32.self), gid: try reader.integer(UInt32.self),
          mode: try reader.integer(UInt32.self)))
    case 5: source = .part(of: try reader.value(), path: try reader.value())
    default: throw reader.error("a kind of mount")
    }
    self.init(source, target: try reader.value(), isReadOnly: try reader.value())
    caller = try reader.value()
    needsCaller = try reader.value()
    guard let propagation = Propagation(rawValue: try reader.integer()),
      let below = Below(rawValue: try reader.integer())
    else { throw reader.error("a kind of propagation") }
    (self.propagation, self.below) = (propagation, below)
  }
  package func write(to writer: inout WireWriter) {
    switch source {
    case .bind(let path):
      writer.integer(UInt8(0))
      writer.value(path)
    case .volume(let path):
      writer.integer(UInt8(1))
      writer.value(path)
    case .ownFile(let content):
      writer.integer(UInt8(2))
      writer.value(content)
    case .tmpfs(let options):
      writer.integer(UInt8(3))
      writer.value(options)
    case .grantedFile(let content, let access):
      writer.integer(UInt8(4))
      writer.data(content)
      writer.integer(access.uid)
      writer.integer(access.gid)
      writer.integer(access.mode)
    case .part(let directory, let path):
      writer.integer(UInt8(5))
      writer.value(directory)
      writer.value(path)
    }
    writer.value(target)
    writer.value(isReadOnly)
    writer.value(caller)
    writer.value(needsCaller)
    writer.integer(propagation.rawValue)
    writer.integer(below.rawValue)
  }
}

extension FileOwner: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(uid: try reader.value(), gid: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(uid)
    writer.value(gid)
  }
}

extension CapabilityMasks: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init()
    bounding = try reader.value()
    effective = try reader.value()
    permitted = try reader.value()
    inheritable = try reader.value()
    ambient = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    for mask in [bounding, effective, permitted, inheritable, ambient] { writer.value(mask) }
  }
}

extension ResourceLimitSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(resource: try reader.value(), soft: try reader.value(), hard: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(resource)
    writer.value(soft)
    writer.value(hard)
  }
}

extension SysctlSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(key: try reader.value(), value: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(key)
    writer.value(value)
  }
}

extension DeviceSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(source: try reader.value(), target: try reader.value(), access: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(source)
    writer.value(target)
    writer.value(access)
  }
}

extension CgroupSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(path: try reader.value())
    limits = try reader.value()
    deviceRules = try reader.value()
    blockDevices = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(path)
    writer.value(limits)
    writer.value(deviceRules)
    writer.value(blockDevices)
  }
}

extension BlockDeviceSpecification: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    let path = try reader.value(String.self)
    guard let kind = BlockDeviceLimit.Kind(rawValue: try reader.value()) else { throw reader.error("a kind of limit") }
    self.init(path: path, kind: kind, value: try reader.integer(UInt64.self))
  }
  package func write(to writer: inout WireWriter) {
    writer.value(path)
    writer.value(kind.rawValue)
    writer.integer(value)
  }
}
