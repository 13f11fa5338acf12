import InternetAddress

/// A stack: the services of one stack file, with their networks and volumes, after all checks that need only the file.
package struct Stack: Sendable, Hashable, Codable {
  /// The project name: `[a-z0-9][a-z0-9_-]*`.
  package var name: String
  /// Where relative paths of the file start.
  package var directory: String
  /// The files that it was read from, absolute; nil when it was made otherwise.
  package var files: [String]?
  /// In the order of the file.
  package var services: [Service]
  /// The networks that services use, and those that are declared, in the order of the file; `default` first when implied.
  package var networks: [Network]
  package var volumes: [Volume]

  package init(
    name: String, directory: String, services: [Service] = [], networks: [Network] = [], volumes: [Volume] = []
  ) {
    self.name = name
    self.directory = directory
    self.services = services
    self.networks = networks
    self.volumes = volumes
  }
}

/// A bridge network of a stack (Compose Specification, `networks`).
package struct Network: Sendable, Hashable, Codable {
  /// The key in the file.
  package var key: String
  /// `<project>_<key>` unless `name:` says otherwise.
  package var name: String
  /// No way out of the network, and none in but for published ports' absence.
  package var isInternal = false
  /// Declared `external`: not made and not removed by this stack.
  package var isExternal = false
  /// `ipam.config[0].subnet`, for example `10.5.0.0/24`; nil lets the plan choose.
  package var subnet: IPv4Subnet?
  /// `ipam.config[0].gateway`; nil is the first address of the subnet.
  package var gateway: IPv4Address?
  /// `ipam.config[0].ip_range`: where addresses are chosen; nil is the whole subnet.
  package var range: IPv4Subnet?
  /// `ipam.config[0].aux_addresses`: never chosen; nil is none.
  package var reserved: [IPv4Address]?
  /// `driver_opts: com.docker.network.driver.mtu`; nil is the kernel's default.
  package var mtu: Int?
  package var labels: [String: String] = [:]

  package init(key: String, name: String) {
    self.key = key
    self.name = name
  }
}

/// A named volume (Compose Specification, `volumes`).
package struct Volume: Sendable, Hashable, Codable {
  package var key: String
  /// `<project>_<key>` unless `name:` says otherwise.
  package var name: String
  package var isExternal = false
  package var labels: [String: String] = [:]
  /// The directory of the machine that the volume is; nil is one of the store.
  package var directory: String?

  package init(key: String, name: String) {
    self.key = key
    self.name = name
  }
}
