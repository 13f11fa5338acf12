import LinuxSystem

/// What a group may use of one block device.
package struct BlockDeviceLimit: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable, CaseIterable {
    /// A share of its time, 10 to 1000.
    case weight
    /// Bytes a second.
    case readBytes
    case writeBytes
    /// Operations a second.
    case readOperations
    case writeOperations
  }

  package var kind: Kind
  package var major: UInt32
  package var minor: UInt32
  package var value: UInt64

  package init(_ kind: Kind, _ major: UInt32, _ minor: UInt32, _ value: UInt64) {
    self.kind = kind
    self.major = major
    self.minor = minor
    self.value = value
  }

  struct Write {
    var file: String
    var otherFile: String?
    var value: String
  }

  var limit: CgroupLimit { kind == .weight ? .blockWeight : .blockRate }

  /// The controller's file and what it is told (Documentation/admin-guide/cgroup-v1/blkio-controller, and io.max of version 2).
  func write(isLegacy: Bool) -> Write {
    let device = "\(major):\(minor)"
    let names: (legacy: String, unified: String)
    switch kind {
    case .weight:
      return isLegacy
        ? Write(file: "blkio.weight_device", otherFile: "blkio.bfq.weight_device", value: "\(device) \(value)")
        : Write(file: "io.bfq.weight", value: "\(device) \(value)")
    case .readBytes: names = ("read_bps", "rbps")
    case .writeBytes: names = ("write_bps", "wbps")
    case .readOperations: names = ("read_iops", "riops")
    case .writeOperations: names = ("write_iops", "wiops")
    }
    return isLegacy
      ? Write(file: "blkio.throttle.\(names.legacy)_device", value: "\(device) \(value)")
      : Write(file: "io.max", value: "\(device) \(names.unified)=\(value)")
  }
}

extension BlockDeviceLimit: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    guard let kind = Kind(rawValue: try reader.value()) else { throw reader.error("a kind of limit") }
    self.init(
      kind, try reader.integer(UInt32.self), try reader.integer(UInt32.self), try reader.integer(UInt64.self))
  }
  package func write(to writer: inout WireWriter) {
    writer.value(kind.rawValue)
    writer.integer(major)
    writer.integer(minor)
    writer.integer(value)
  }
}
