import LinuxSystem
import StackModel

extension ContainerRecord.LifeSettings: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    healthCheck = try reader.value()
    restartTiming = try reader.value()
    preStop = try reader.value()
    postStart = try reader.value()
    restartsWith = try reader.value()
    nameServers = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(healthCheck)
    writer.value(restartTiming)
    writer.value(preStop)
    writer.value(postStart)
    writer.value(restartsWith)
    writer.value(nameServers)
  }
}

extension HealthCheck: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(try reader.value())
    isDisabled = try reader.value()
    interval = try reader.value()
    timeout = try reader.value()
    startPeriod = try reader.value()
    startInterval = try reader.value()
    retries = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(probe)
    writer.value(isDisabled)
    writer.value(interval)
    writer.value(timeout)
    writer.value(startPeriod)
    writer.value(startInterval)
    writer.value(retries)
  }
}

extension HealthCheck.Probe: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    switch try reader.integer(UInt8.self) {
    case 0: self = .command(try reader.value())
    case 1: self = .shell(try reader.value())
    case 2: self = .tcp(port: try reader.value())
    case 3: self = .http(try reader.value())
    case 4: self = .log(pattern: try reader.value())
    case 5: self = .file(path: try reader.value())
    default: throw reader.error("a probe")
    }
  }
  package func write(to writer: inout WireWriter) {
    switch self {
    case .command(let words):
      writer.integer(UInt8(0))
      writer.value(words)
    case .shell(let line):
      writer.integer(UInt8(1))
      writer.value(line)
    case .tcp(let port):
      writer.integer(UInt8(2))
      writer.value(port)
    case .http(let probe):
      writer.integer(UInt8(3))
      writer.value(probe)
    case .log(let pattern):
      writer.integer(UInt8(4))
      writer.value(pattern)
    case .file(let path):
      writer.integer(UInt8(5))
      writer.value(path)
    }
  }
}

extension HTTPProbe: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(port: try reader.value(), path: try reader.value(), status: try reader.value())
    headers = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(port)
    writer.value(path)
    writer.value(status)
    writer.value(headers)
  }
}

extension EnvironmentVariable: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(try reader.value(), try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(name)
    writer.value(value)
  }
}

extension LifecycleHook: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(command: try reader.value())
    user = try reader.value()
    isPrivileged = try reader.value()
    workingDirectory = try reader.value()
    environment = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(command)
    writer.value(user)
    writer.value(isPrivileged)
    writer.value(workingDirectory)
    writer.value(environment)
  }
}

extension RestartTiming: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(delay: try reader.value(), maximumAttempts: try reader.value(), window: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(delay)
    writer.value(maximumAttempts)
    writer.value(window)
  }
}
