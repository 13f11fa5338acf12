/// The attribute that gives a program capabilities (capabilities(7), "File capability extended attribute versioning").
///
/// Version 2 counts for root of the machine. Version 3 names the user that is root of the user namespace for which it counts; it is
/// the only one that can be written through a mount whose owners are mapped.
package enum FileCapability {
  package static let attribute = "security.capability"

  /// Whether an attribute of this name is the one.
  package static func isNamed(_ name: RawName) -> Bool { name.bytes.elementsEqual(attribute.utf8) }

  private static let versionByte = 3
  private static let (version2, version3): (UInt8, UInt8) = (2, 3)
  private static let sizeOfVersion2 = 20

  /// The value as it is to be written for a container.
  /// - Parameter root: the machine's number of the container's root; 0 leaves the value as it is.
  package static func value(_ value: [UInt8], for root: UInt32) -> [UInt8] {
    guard root != 0, value.count == sizeOfVersion2, value[versionByte] == version2 else { return value }
    var value = value
    value[versionByte] = version3
    return value + (0..<4).map { UInt8(truncatingIfNeeded: root >> (8 * $0)) }
  }

  /// The value as a container with this root has it: the reverse.
  package static func value(_ value: [UInt8], seenBy root: UInt32) -> [UInt8] {
    guard root != 0, value.count == sizeOfVersion2 + 4, value[versionByte] == version3 else { return value }
    let named = (0..<4).reduce(UInt32(0)) { $0 | UInt32(value[sizeOfVersion2 + $1]) << (8 * UInt32($1)) }
    guard named == root else { return value }
    var value = Array(value[..<sizeOfVersion2])
    value[versionByte] = version2
    return value
  }
}
