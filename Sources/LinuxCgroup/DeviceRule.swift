/// A device that a container may use (cgroup v1 devices controller; on v2 a BPF program).
package struct DeviceRule: Hashable, Sendable {
  package enum Kind: String, Hashable, Sendable { case all = "a", character = "c", block = "b" }

  package let kind: Kind
  /// nil is every number.
  package let major: UInt32?
  package let minor: UInt32?
  /// Some of `rwm`: read, write, make a node.
  package let access: String

  package init(_ kind: Kind, _ major: UInt32?, _ minor: UInt32?, _ access: String) {
    self.kind = kind
    self.major = major
    self.minor = minor
    self.access = access
  }

  /// The usual devices: nodes of any number can be made, which gives no access; the standard ones can be used.
  package static let standard: [DeviceRule] = [
    DeviceRule(.character, nil, nil, "m"), DeviceRule(.block, nil, nil, "m"),
    DeviceRule(.character, 1, 3, "rwm"), DeviceRule(.character, 1, 5, "rwm"), DeviceRule(.character, 1, 7, "rwm"),
    DeviceRule(.character, 1, 8, "rwm"), DeviceRule(.character, 1, 9, "rwm"), DeviceRule(.character, 5, 0, "rwm"),
    DeviceRule(.character, 5, 1, "rwm"), DeviceRule(.character, 5, 2, "rwm"), DeviceRule(.character, 136, nil, "rwm"),
  ]

  /// The line of devices.allow.
  package var v1Line: String {
    "\(kind.rawValue) \(major.map(String.init) ?? "*"):\(minor.map(String.init) ?? "*") \(access)"
  }
}
