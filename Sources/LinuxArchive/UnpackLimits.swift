import Glibc
import LinuxSystem
import SystemPackage

/// What one layer may take of the machine.
package struct UnpackLimits: Sendable {
  package var entries = 2_000_000
  /// Bytes of file content.
  package var bytes: UInt64
  /// Bytes of the paths that are kept in memory while a layer is unpacked: those of its directories.
  package var directoryPaths = 64 << 20

  package init(bytes: UInt64) {
    self.bytes = bytes
  }

  /// What the file system of `directory` can take, less a reserve: a twentieth of it, at most 1 GiB.
  package init(freeSpaceOf directory: FileDescriptor) throws(SystemCallError) {
    var status = statvfs()
    try checkedErrno("fstatvfs", unsafe fstatvfs(directory.rawValue, &status))
    let size = UInt64(status.f_blocks) * UInt64(status.f_frsize)
    let free = UInt64(status.f_bavail) * UInt64(status.f_frsize)
    let reserve = min(1 << 30, size / 20)
    self.init(bytes: free > reserve ? free - reserve : 0)
  }
}

/// A layer that was unpacked.
package struct UnpackedLayer: Sendable {
  /// Of the stream as it came, and its size.
  package let blob: Digest
  package let blobSize: UInt64
  /// Of the tar without compression, and its size.
  package let diffID: Digest
  package let tarSize: UInt64
  package let entries: Int
  /// Bytes of file content.
  package let contentSize: UInt64
  /// The latest time of a file in it, in seconds since 1970.
  package let newest: Int64
  /// The highest number of a user or group that a file in it belongs to.
  package let highestOwner: UInt32
  /// The outcome depends on the layers below, so that it is of use above the same layers only.
  package let usesLower: Bool
  /// Nothing of the layers below is to be seen.
  package let hidesLower: Bool
  package let hasMarks: Bool
  /// The recipe and the files together give the tar back.
  package let hasRecipe: Bool
}
