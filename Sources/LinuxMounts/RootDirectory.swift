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
    return try make(path, kind)
  }

  /// The most links that a path may lead through, as for the kernel (path_resolution(7)).
  private static let mostLinks = 40

  /// Makes what is missing on the way to `path`, also behind links that lead to nothing yet. Links are followed here, one
  /// name at a time, because only then it is known where the missing part belongs; each step is opened without following any.
  private func make(_ path: String, _ kind: Kind) throws(SystemCallError) -> OwnedDescriptor {
    var pending = Array(path.split(separator: "/").reversed())
    var resolved: [Substring] = []
    var links = 0
    func opened(_ flags: CInt) throws(SystemCallError) -> OwnedDescriptor {
      try Files.open(
        "/" + resolved.joined(separator: "/"), below: descriptor, [.inRoot, .noMagicLinks, .noSymlinks], flags)
    }
    while let name = pending.popLast() {
      if name == "." { continue }
      if name == ".." {
        _ = resolved.popLast()
        continue
      }
      let parent = try opened(O_PATH | O_DIRECTORY)
      do throws(SystemCallError) {
        if try Files.status(String(name), in: parent.borrowed).st_mode & S_IFMT == S_IFLNK {
          links += 1
          if links > Self.mostLinks { throw SystemCallError("open", on: path, .tooManySymbolicLinkLevels) }
          let target = try Files.readLink(String(name), in: parent.borrowed)
          if target.hasPrefix("/") { resolved = [] }
          pending += target.split(separator: "/").reversed()
          continue
        }
      } catch  where error.errno == .noSuchFileOrDirectory {
        if pending.isEmpty && kind == .file {
          _ = try Files.open(
            String(name), in: parent.borrowed, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
        } else {
          try Files.makeDirectory(String(name), in: parent.borrowed, mode: 0o755)
        }
      }
      resolved.append(name)
    }
    return try opened(kind == .directory ? O_PATH | O_DIRECTORY : O_PATH)
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
