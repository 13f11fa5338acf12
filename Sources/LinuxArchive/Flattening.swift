import Glibc
import LinuxSystem
import SystemPackage

/// Puts layers on top of each other in one plain directory, as overlayfs would show them.
package enum Flattening {
  /// Moves everything of `layer` into `target`, and takes out of it what the layer says is gone.
  ///
  /// - Parameters:
  ///   - layer: as `LayerUnpacking` made it, on the file system of `target`; what stays of it is of no use.
  ///   - hasMarks: whether it has whiteouts at all; without any, whole trees are moved at once.
  package static func move(
    _ layer: FileDescriptor, onto target: FileDescriptor, hasMarks: Bool
  ) throws(SystemCallError) {
    if OverlayMarks.isOpaque(layer) { try Files.removeContents(of: target) }
    for name in try Files.rawNames(of: layer) {
      try move(name, of: layer, onto: target, hasMarks: hasMarks)
    }
    let attributes = try FileAttributes(of: layer)
    try attributes.apply(to: target)
    try attributes.applyTime(to: target)
  }

  private static func move(
    _ name: RawName, of layer: FileDescriptor, onto target: FileDescriptor, hasMarks: Bool
  ) throws(SystemCallError) {
    guard let status = try Files.status(name, in: layer) else { return }
    if OverlayMarks.isWhiteout(status) { return try Files.removeTree(name, in: target) }
    let isDirectory = status.st_mode & S_IFMT == S_IFDIR
    let existing = try Files.status(name, in: target)
    let meetsDirectory = isDirectory && existing.map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
    if !meetsDirectory {
      if existing != nil { try Files.removeTree(name, in: target) }
      guard isDirectory && hasMarks else { return try Files.rename(name, of: layer, into: target) }
      try Files.makeDirectory(name, in: target)
    }
    let from = try Files.open(name, in: layer, O_RDONLY | O_DIRECTORY)
    let to = try Files.open(name, in: target, O_RDONLY | O_DIRECTORY)
    try move(from.borrowed, onto: to.borrowed, hasMarks: hasMarks)
  }
}
