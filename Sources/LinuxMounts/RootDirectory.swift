import Glibc
import LinuxSystem
import SystemPackage

/// The root directory of a container seen from outside: every path is resolved below it and no name is trusted twice.
///
/// Symbolic links of the container are followed inside the root only (openat2(2) RESOLVE_IN_ROOT); what is found is given as
/// a descriptor, which a rename afterwards cannot redirect.
package struct RootDirectory {
  private let owned: SharedDescriptor

  package init(owning descriptor: consuming OwnedDescriptor) {
    owned = SharedDescriptor(descriptor)
  }

  package var descriptor: FileDescriptor { owned.borrowed }

  private static let resolution: Files.Resolution = [.inRoot, .noMagicLinks]

  /// What a mount point must be.
  package enum Kind: Sendable { case directory, file }

  /// Opens `path` (O_PATH), following links inside the root.
  package func open(_ path: String, _ flags: CInt = O_PATH) throws(SystemCallError) -> OwnedDescriptor {
    try Files.open(path, below: descriptor, Self.resolution, flags)
  }

  /// Opens what is at `path` for mounting on, and makes it, with its parents, when it is not there.
  package func mountPoint(_ path: String, _ kind: Kind) throws(SystemCallError) -> OwnedDescriptor {
    do throws(SystemCallError) {
      return try open(path, kind == .directory ? O_PATH | O_DIRECTORY : O_PATH)
    } catch  where error.errno == .noSuchFileOrDirectory {}
    let (parentPath, name) = Self.split(path)
    let parent = try directory(parentPath)
    switch kind {
    case .directory:
      try Files.makeDirectory(name, in: parent.borrowed, mode: 0o755)
      return try Files.open(name, in: parent.borrowed, O_PATH | O_DIRECTORY | O_NOFOLLOW)
    case .file:
      _ = try Files.open(name, in: parent.borrowed, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
      return try Files.open(name, in: parent.borrowed, O_PATH | O_NOFOLLOW)
    }
  }

  /// Opens the directory at `path` (O_PATH), making it and its parents when they are not there.
  package func directory(_ path: String) throws(SystemCallError) -> OwnedDescriptor {
    try mountPoint(path.isEmpty ? "/" : path, .directory)
  }

  /// The mount point for a file that the engine itself provides. A link in its place is replaced, not followed: a
  /// container's image must not choose which file is written or covered.
  package func ownFile(_ path: String) throws(SystemCallError) -> OwnedDescriptor {
    let (parentPath, name) = Self.split(path)
    let parent = try directory(parentPath)
    do throws(SystemCallError) {
      let status = try Files.status(name, in: parent.borrowed)
      if status.st_mode & S_IFMT != S_IFREG { try Files.removeTree(name, in: parent.borrowed) }
    } catch  where error.errno == .noSuchFileOrDirectory {}
    // Without O_CREAT's write access: a file on a read-only layer is good enough to mount on.
    do throws(SystemCallError) {
      return try Files.open(name, in: parent.borrowed, O_PATH | O_NOFOLLOW)
    } catch  where error.errno == .noSuchFileOrDirectory {
      _ = try Files.open(name, in: parent.borrowed, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
      return try Files.open(name, in: parent.borrowed, O_PATH | O_NOFOLLOW)
    }
  }

  /// A directory directly below the root that must be a real one: for /proc, /sys and /dev, where a link of the image would
  /// redirect the engine's own mounts.
  package func systemDirectory(_ name: String) throws(SystemCallError) -> OwnedDescriptor {
    try Files.makeDirectory(name, in: descriptor, mode: 0o755)
    return try Files.open(name, in: descriptor, O_PATH | O_DIRECTORY | O_NOFOLLOW)
  }

  private static func split(_ path: String) -> (parent: String, name: String) {
    let parts = path.split(separator: "/")
    return ("/" + parts.dropLast().joined(separator: "/"), parts.last.map(String.init) ?? ".")
  }
}
