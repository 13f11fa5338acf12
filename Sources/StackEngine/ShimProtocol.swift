import LinuxSystem

/// What a shim is to keep. The socket on which it reports comes with it, and then one message with the socket of each
/// reservation of a port.
package struct ShimRequest: Hashable, Sendable {
  /// The container's directory and that of its logs.
  package let directory: String
  package let logs: String
  package let reservations: UInt32
  /// Where the container's standard streams lead.
  package let streams: ContainerStreams
}

/// Where the standard streams of a container lead.
package enum ContainerStreams: UInt8, Hashable, Sendable {
  /// Into its log.
  case log = 0
  /// To three descriptors of the spawner's, which follow those of the reservations.
  case given = 1
  /// To a terminal whose other end comes with the report of the start.
  case terminal = 2
}

extension ShimRequest: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    let (directory, logs): (String, String) = (try reader.value(), try reader.value())
    let reservations: UInt32 = try reader.value()
    guard let streams = ContainerStreams(rawValue: try reader.integer()) else { throw reader.error("streams") }
    self.init(directory: directory, logs: logs, reservations: reservations, streams: streams)
  }
  package func write(to writer: inout WireWriter) {
    writer.value(directory)
    writer.value(logs)
    writer.value(reservations)
    writer.integer(streams.rawValue)
  }
}

/// The one report of a shim on how the start went.
///
/// Whoever makes the shim writes its identity to the disk, and lets it begin only then: from that moment on it can be found,
/// and it goes on alone. A shim whose maker ends before that ends too, without a trace.
package enum ShimMessage: Hashable, Sendable {
  /// The program is being executed, and the container's records are written.
  case started(shim: ProcessIdentity)
  /// The container could not be started; nothing of it runs.
  case failed(step: String, reason: String)
}

extension ShimMessage: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    switch try reader.integer(UInt8.self) {
    case 0: self = .started(shim: try reader.value())
    case 1: self = .failed(step: try reader.value(), reason: try reader.value())
    default: throw reader.error("a message of a shim")
    }
  }
  package func write(to writer: inout WireWriter) {
    switch self {
    case .started(let shim):
      writer.integer(UInt8(0))
      writer.value(shim)
    case .failed(let step, let reason):
      writer.integer(UInt8(1))
      writer.value(step)
      writer.value(reason)
    }
  }
}
