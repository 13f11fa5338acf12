/// What a service may use of block devices (`blkio_config`).
package struct BlockLimits: Sendable, Hashable, Codable {
  /// The share of a disk's time against other containers, 10 to 1000; nil is the usual one.
  package var weight: UInt64?
  package var devices: [Device] = []

  package init() {}

  /// One number for one device.
  package struct Device: Sendable, Hashable, Codable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
      /// A share of this device's time, 10 to 1000.
      case weight
      /// Bytes a second.
      case readBytes
      case writeBytes
      /// Operations a second.
      case readOperations
      case writeOperations
    }

    package var kind: Kind
    /// Of the device's node on the machine.
    package var path: String
    package var value: UInt64

    package init(kind: Kind, path: String, value: UInt64) {
      self.kind = kind
      self.path = path
      self.value = value
    }
  }
}
