import LinuxSystem

/// The conversation between a shim and the process that spawned it, over one socket:
///
/// | from    | message      | meaning                                                            |
/// |---------|--------------|--------------------------------------------------------------------|
/// | spawner | `go`         | the shim's identity is on the disk: from now on it can be found    |
/// | shim    | `started`    | the program is being executed; the container's records are written |
/// | shim    | `failed`     | the container could not be started; nothing of it runs             |
///
/// A shim that sees the end of the socket before `go` ends without a trace; afterwards it goes on alone.
package enum ShimMessage: Hashable, Sendable {
  case go
  case started(ProcessIdentity)
  case failed(step: String, reason: String, exitCode: Int32)
}

extension ShimMessage: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    switch try reader.integer(UInt8.self) {
    case 0: self = .go
    case 1: self = .started(try reader.value())
    case 2: self = .failed(step: try reader.value(), reason: try reader.value(), exitCode: try reader.value())
    default: throw reader.error("a message of a shim")
    }
  }
  package func write(to writer: inout WireWriter) {
    switch self {
    case .go: writer.integer(UInt8(0))
    case .started(let process):
      writer.integer(UInt8(1))
      writer.value(process)
    case .failed(let step, let reason, let exitCode):
      writer.integer(UInt8(2))
      writer.value(step)
      writer.value(reason)
      writer.value(exitCode)
    }
  }
}
