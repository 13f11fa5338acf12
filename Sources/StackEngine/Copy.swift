import Glibc
import IsolationEngine
import LinuxArchive
import LinuxCapabilities
import LinuxSystem
import StackStore
import SystemPackage

/// Copies files between the machine and containers, as tar streams within this process: owners, links and holes survive, and a
/// link of the container never leads out of it.
package struct FileCopy {
  /// Follows links that are given as sources.
  package var followsLinks = false
  /// Files keep their owners' numbers; otherwise they belong to root in a container, and to the caller on the machine.
  package var keepsOwners = false

  package init() {}

  /// From the machine into containers.
  package func copy(_ source: String, into path: String, of containers: [ContainerFileSystem]) throws {
    for container in containers {
      let source = try Source(source, follows: followsLinks) { try Files.open($0, $1) }
      let target = try Target(path, of: source) { try container.open($0, $1) }
      try FileSystemUser.with(container.ownerOffset) {
        try TreeUnpacking.unpack(
          try source.tree(as: target.base), into: target.directory.borrowed, base: target.base,
          owner: keepsOwners ? .archived : .one(uid: 0, gid: 0), ownerOffset: container.ownerOffset)
      }
    }
  }

  /// From a container to the machine.
  package func copy(_ path: String, of container: ContainerFileSystem, to target: String) throws {
    let source = try Source(path, follows: followsLinks) { try container.open($0, $1) }
    let target = try Target(target, of: source) { try Files.open($0, $1) }
    try TreeUnpacking.unpack(
      try source.tree(ownerOffset: container.ownerOffset, as: target.base), into: target.directory.borrowed,
      base: target.base,
      owner: keepsOwners ? .archived : .one(uid: getuid(), gid: getgid()))
  }

  /// Unpacks a tar into a directory of a container.
  package func unpack(_ tar: FileDescriptor, into path: String, of container: ContainerFileSystem) throws {
    let directory = try container.open(path, O_RDONLY | O_DIRECTORY)
    let stream = FileSource(stream: SharedDescriptor(try OwnedDescriptor(duplicating: tar)))
    try FileSystemUser.with(container.ownerOffset) {
      try TreeUnpacking.unpack(
        stream, into: directory.borrowed, owner: .archived, ownerOffset: container.ownerOffset)
    }
  }

  /// Writes a part of a container as a tar.
  package func pack(_ path: String, of container: ContainerFileSystem, to file: FileDescriptor) throws {
    let source = try Source(path, follows: followsLinks) { try container.open($0, $1) }
    try source.tree(ownerOffset: container.ownerOffset).write(to: file)
  }

  fileprivate typealias Opening = (_ path: String, _ flags: CInt) throws -> OwnedDescriptor
}

extension ContainerFileSystem {
  /// Writes the root file system as a tar, without what is mounted in it.
  package func export(to file: FileDescriptor) throws {
    try TreeSource(SharedDescriptor(try openRoot()), ownerOffset: ownerOffset).write(to: file)
  }
}

/// What is copied.
private struct Source {
  let path: String
  let isDirectory: Bool
  /// Written as `DIR/.`: not the directory, but what is in it.
  let isContent: Bool
  /// Where it is, and its name there: a directory is open itself, for by its name it may be something else by now.
  private let directory: SharedDescriptor
  private let name: String
  /// What it is called.
  private let ownName: String

  private static let mostLinks = 40

  init(_ given: String, follows: Bool, _ open: FileCopy.Opening) throws {
    path = given
    var path = CopyPath.clean(given)
    isContent = given.hasSuffix("/.") || given == "."
    for _ in 0..<Self.mostLinks {
      let (parent, name) = CopyPath.split(path)
      let directory = SharedDescriptor(try open(parent, O_RDONLY | O_DIRECTORY))
      let status: stat
      do throws(SystemCallError) {
        status = try Files.status(name, in: directory.borrowed)
      } catch {
        throw SystemCallError(error.call, on: path, error.errno)
      }
      let isLink = status.st_mode & S_IFMT == S_IFLNK
      guard isLink, follows || isContent || given.hasSuffix("/") else {
        ownName = name
        isDirectory = status.st_mode & S_IFMT == S_IFDIR
        if isDirectory {
          let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW
          self.directory = SharedDescriptor(try Files.open(name, in: directory.borrowed, flags))
          self.name = "."
        } else if given.hasSuffix("/") || isContent {
          throw SystemCallError("open", on: given, .notDirectory)
        } else {
          self.directory = directory
          self.name = name
        }
        return
      }
      let target = try Files.readLink(name, in: directory.borrowed)
      path = CopyPath.clean(target.hasPrefix("/") ? target : "\(parent)/\(target)")
    }
    throw SystemCallError("open", on: given, .tooManySymbolicLinkLevels)
  }

  /// - Parameter base: the name that the whole is to have; nil is its own.
  func tree(ownerOffset: UInt32 = 0, as base: String? = nil) throws -> TreeSource {
    let shown = base ?? (isContent ? "." : ownName)
    return try TreeSource(name, in: directory, shownAs: shown, ownerOffset: ownerOffset)
  }
}

/// Where it is copied to.
private struct Target {
  let directory: SharedDescriptor
  /// The name it gets there; nil keeps the names of the source.
  let base: String?

  init(_ path: String, of source: Source, _ open: FileCopy.Opening) throws {
    let clean = CopyPath.clean(path)
    do {
      let existing = try open(clean, O_PATH)
      if try Files.status(existing.borrowed).st_mode & S_IFMT == S_IFDIR {
        directory = SharedDescriptor(try open(clean, O_RDONLY | O_DIRECTORY))
        base = nil
        return
      }
      if source.isDirectory { throw CopyProblem("\(source.path) is a directory, and \(path) is a file") }
    } catch let error as SystemCallError where error.errno == .noSuchFileOrDirectory {
      if path.hasSuffix("/"), !source.isDirectory { throw CopyProblem("there is no directory \(path)") }
    }
    let (parent, name) = CopyPath.split(clean)
    directory = SharedDescriptor(try open(parent, O_RDONLY | O_DIRECTORY))
    base = name
  }
}

private struct CopyProblem: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Paths as people write them.
private enum CopyPath {
  /// Without `.`, `..` and doubled slashes.
  static func clean(_ path: String) -> String {
    let isAbsolute = path.hasPrefix("/")
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part != ".." {
        parts.append(part)
      } else if let last = parts.last, last != ".." {
        parts.removeLast()
      } else if !isAbsolute {
        parts.append(part)
      }
    }
    let joined = parts.joined(separator: "/")
    return isAbsolute ? "/" + joined : joined.isEmpty ? "." : joined
  }

  static func split(_ path: String) -> (parent: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return path == ".." ? ("..", ".") : (".", path) }
    let name = String(path[path.index(after: slash)...])
    let parent = path[..<slash]
    if name.isEmpty || name == ".." { return (path, ".") }
    return (parent.isEmpty ? "/" : String(parent), name)
  }
}
