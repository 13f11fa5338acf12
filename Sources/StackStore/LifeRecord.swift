import LinuxSystem
import StackLifecycle

/// What the supervisor knows of a container beyond its runs. Written by the supervisor, replaced as a whole: `ps` and all
/// others read it without asking anybody, also when the supervisor is gone.
package struct LifeRecord: Hashable, Sendable {
  package enum Phase: UInt8, Hashable, Sendable {
    case running = 0
    /// It ended, and is started again.
    case restarting = 1
    /// It ended for good.
    case ended = 2
  }

  /// The latest check.
  package struct Check: Hashable, Sendable {
    package var succeeded: Bool
    /// The command's, -1 when it did not end in time or could not be made; 0 or 1 of a native probe.
    package var exitCode: Int32
    /// What it said, cut off.
    package var output: String
    /// Nanoseconds since 1970.
    package var endedAt: UInt64

    package init(succeeded: Bool, exitCode: Int32, output: String, endedAt: UInt64) {
      self.succeeded = succeeded
      self.exitCode = exitCode
      self.output = output
      self.endedAt = endedAt
    }
  }

  /// The run of the container that this is about.
  package var run: Int
  package var phase: Phase
  /// nil without a health check.
  package var health: HealthStatus?
  /// Failed checks since the last success.
  package var failures: Int
  package var restarts: Int
  package var lastCheck: Check?

  package init(
    run: Int, phase: Phase, health: HealthStatus?, failures: Int, restarts: Int, lastCheck: Check?
  ) {
    self.run = run
    self.phase = phase
    self.health = health
    self.failures = failures
    self.restarts = restarts
    self.lastCheck = lastCheck
  }
}

extension ContainerDirectory.Kind where Record == LifeRecord {
  package static var life: Self {
    .init(file: "life") { bytes throws(WireError) in try LifeRecord(wireBytes: bytes) }
  }
}

extension ContainerDirectory {
  package func write(_ life: LifeRecord) throws(SystemCallError) {
    try Files.replace("\(path)/life", with: life.wireBytes)
  }
}

extension LifeRecord: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    run = try reader.value()
    guard let phase = Phase(rawValue: try reader.integer()) else { throw reader.error("a phase") }
    self.phase = phase
    health = HealthStatus(rawValue: try reader.integer())
    failures = try reader.value()
    restarts = try reader.value()
    lastCheck = try reader.value()
  }
  package func write(to writer: inout WireWriter) {
    writer.value(run)
    writer.integer(phase.rawValue)
    writer.integer(health?.rawValue ?? 0)
    writer.value(failures)
    writer.value(restarts)
    writer.value(lastCheck)
  }
}

extension LifeRecord.Check: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init(
      succeeded: try reader.value(), exitCode: try reader.value(), output: try reader.value(),
      endedAt: try reader.value())
  }
  package func write(to writer: inout WireWriter) {
    writer.value(succeeded)
    writer.value(exitCode)
    writer.value(output)
    writer.value(endedAt)
  }
}
