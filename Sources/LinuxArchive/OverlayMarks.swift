import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// How overlayfs writes down that something of the layers below is gone (kernel documentation, overlayfs.rst).
enum OverlayMarks {
  private static let opaqueAttribute = "trusted.overlay.opaque"

  /// A whiteout is a character device 0:0.
  static func isWhiteout(_ status: stat) -> Bool {
    status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == 0
  }

  static func makeWhiteout(_ name: RawName, in directory: FileDescriptor) throws(SystemCallError) {
    try Files.makeNode(name, in: directory, mode: S_IFCHR, device: 0)
  }

  /// Hides what the layers below have in this directory.
  static func makeOpaque(_ directory: FileDescriptor) throws(SystemCallError) {
    let result = unsafe stk_fsetxattr(directory.rawValue, opaqueAttribute, "y", 1)
    try checked("fsetxattr", on: opaqueAttribute, result)
  }

  static func isOpaque(_ directory: FileDescriptor) -> Bool {
    var value: UInt8 = 0
    let count = unsafe stk_fgetxattr(directory.rawValue, opaqueAttribute, &value, 1)
    return count == 1 && value == UInt8(ascii: "y")
  }
}
