import LinuxSystem

/// What an image says about the containers made from it (OCI image specification, config.md).
package struct ImageConfiguration: Sendable, Hashable, Codable {
  /// `NAME=value`.
  package var env: [String] = []
  package var cmd: [String]?
  package var entrypoint: [String]?
  /// `user[:group]`, names or numbers; empty is root.
  package var user = ""
  /// Empty is `/`.
  package var workingDirectory = ""
  /// `80/tcp` and the like, sorted.
  package var exposedPorts: [String] = []
  /// Absolute paths, sorted.
  package var volumes: [String] = []
  package var stopSignal: String?
  package var healthcheck: ImageHealthcheck?
  package var labels: [String: String] = [:]
  /// In Go's words, for example `amd64`.
  package var architecture = ""
  package var os = ""

  package init() {}
}

/// The health check of an image. Times are nanoseconds, 0 is the default.
package struct ImageHealthcheck: Sendable, Hashable, Codable {
  /// `["CMD", …]`, `["CMD-SHELL", command]` or `["NONE"]`.
  package var test: [String] = []
  package var interval: UInt64 = 0
  package var timeout: UInt64 = 0
  package var startPeriod: UInt64 = 0
  package var startInterval: UInt64 = 0
  package var retries = 0

  package init() {}
}

extension ImageConfiguration: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    env = try reader.value()
    cmd = try reader.value()
    entrypoint = try reader.value()
    user = try reader.value()
    workingDirectory = try reader.value()
    exposedPorts = try reader.value()
    volumes = try reader.value()
    stopSignal = try reader.value()
    healthcheck = try reader.value()
    let names = try reader.value([String].self)
    let values = try reader.value([String].self)
    labels = Dictionary(zip(names, values)) { _, last in last }
    architecture = try reader.value()
    os = try reader.value()
  }

  package func write(to writer: inout WireWriter) {
    writer.value(env)
    writer.value(cmd)
    writer.value(entrypoint)
    writer.value(user)
    writer.value(workingDirectory)
    writer.value(exposedPorts)
    writer.value(volumes)
    writer.value(stopSignal)
    writer.value(healthcheck)
    let sorted = labels.sorted { $0.key < $1.key }
    writer.value(sorted.map(\.key))
    writer.value(sorted.map(\.value))
    writer.value(architecture)
    writer.value(os)
  }
}

extension ImageHealthcheck: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    test = try reader.value()
    interval = try reader.value()
    timeout = try reader.value()
    startPeriod = try reader.value()
    startInterval = try reader.value()
    retries = try reader.value()
  }

  package func write(to writer: inout WireWriter) {
    writer.value(test)
    writer.value(interval)
    writer.value(timeout)
    writer.value(startPeriod)
    writer.value(startInterval)
    writer.value(retries)
  }
}
