import CLinuxShim
import Glibc
import LinuxSystem

/// Extended attributes of files and directories (xattr(7)).
package enum ExtendedAttribute {
  /// nil when the file has none of this name.
  package static func get(_ name: String, of path: String) -> [UInt8]? {
    var value = [UInt8](repeating: 0, count: 256)
    let count = stk_lgetxattr(path, name, &value, value.count)
    return count < 0 ? nil : Array(value[..<count])
  }

  /// Gives the file an attribute, or another value to one it has.
  package static func set(_ name: String, _ value: [UInt8], of path: String) throws {
    let file = try Files.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    try checked("fsetxattr", stk_fsetxattr(file.borrowed.rawValue, name, value, value.count))
  }
}
