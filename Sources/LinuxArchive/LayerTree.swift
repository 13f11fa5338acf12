import Glibc
import LinuxSystem
import SystemPackage

/// The directory tree of a layer that is being made. Whatever paths and links the layer has, nothing outside is touched.
///
/// Paths are opened with openat2(2) so that they pass through no link at all; where a path has links, they are resolved here,
/// one component at a time, with the root of the layer as `/` and no way above it.
final class LayerTree {
  private static let mostLinks = 40

  let root: FileDescriptor
  private let lower: LowerLayers
  /// Whether the outcome depends on the layers below, which makes it of use above the same layers only.
  private(set) var usesLower = false

  /// The directory that was opened last: most entries are neighbours of the one before.
  private var cached: (requested: ArraySlice<UInt8>, directory: Directory)?

  /// A directory of the layer, and its path without links.
  struct Directory {
    let descriptor: SharedDescriptor
    let path: [UInt8]

    func path(of name: RawName) -> [UInt8] {
      path.isEmpty ? name.bytes : path + [UInt8(ascii: "/")] + name.bytes
    }
  }

  init(root: FileDescriptor, lower: LowerLayers) {
    self.root = root
    self.lower = lower
  }

  /// Opens a directory to make something in it; what is missing of it is made.
  func directory(_ path: ArraySlice<UInt8>) throws(ArchiveError) -> Directory {
    if let cached, cached.requested == path { return cached.directory }
    let directory = try open(path)
    cached = (path, directory)
    return directory
  }

  /// To be called whenever a name may have got another meaning.
  func forgetCachedDirectory() { cached = nil }

  private func open(_ path: ArraySlice<UInt8>) throws(ArchiveError) -> Directory {
    let bytes = Array(path)
    do throws(SystemCallError) {
      return Directory(descriptor: SharedDescriptor(try openExactly(bytes)), path: bytes)
    } catch {
      switch error.errno {
      case .noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels: break
      default: throw .entrySystem(String(decoding: path, as: UTF8.self), error)
      }
    }
    let real = Self.joined(try resolve(path, makingMissing: true))
    return Directory(
      descriptor: SharedDescriptor(try onDisk { () throws(SystemCallError) in try openExactly(real) }), path: real)
  }

  /// Opens a directory at a path without links.
  func openExactly(_ path: [UInt8]) throws(SystemCallError) -> OwnedDescriptor {
    try Files.open(exactly: path.isEmpty ? RawName(".") : RawName(path), below: root, O_RDONLY | O_DIRECTORY)
  }

  /// Gives directories back the times that they lost as things were made in them.
  /// - Parameter errors: say that something else has taken the name since.
  func restoreTimes(
    _ times: [(path: [UInt8], time: timespec)], passingOver errors: Set<Errno>
  ) throws(SystemCallError) {
    for (path, time) in times.reversed() {
      do throws(SystemCallError) {
        let directory = try openExactly(path)
        try checkedErrno("futimens", unsafe futimens(directory.borrowed.rawValue, [time, time]))
      } catch  where errors.contains(error.errno) {}
    }
  }

  private static func joined(_ components: [RawName]) -> [UInt8] {
    Array(components.map(\.bytes).joined(separator: [UInt8(ascii: "/")]))
  }

  // MARK: Paths with links, or with directories that are missing

  private enum Component {
    case directory
    case link(target: [UInt8])
    case whiteout
    case other
    case absent
  }

  /// The components of a directory's path without links.
  /// - Parameter makingMissing: makes directories that are missing here, as they are in the layers below; without it, they
  ///   may stay missing.
  private func resolve(_ path: ArraySlice<UInt8>, makingMissing: Bool) throws(ArchiveError) -> [RawName] {
    var pending = Array(Self.split(path).reversed())
    var real: [RawName] = []
    var links = 0
    while let name = pending.popLast() {
      if name == Self.parentName {
        _ = real.popLast()
        continue
      }
      var component = try here(real, name)
      if case .absent = component { component = try below(real, name, making: makingMissing) }
      switch component {
      case .link(let target):
        links += 1
        if links > Self.mostLinks {
          throw .entry(String(decoding: path, as: UTF8.self), reason: "too many symbolic links")
        }
        if target.first == UInt8(ascii: "/") { real = [] }
        pending.append(contentsOf: Self.split(target[...]).reversed())
        continue
      case .whiteout:
        if makingMissing { try replaceWhiteout(real, name) }
      case .other:
        throw .entry(String(decoding: path, as: UTF8.self), reason: "\"\(name.text)\" in its path is not a directory")
      case .directory, .absent: break
      }
      real.append(name)
    }
    return real
  }

  private static let parentName = RawName("..")

  private static func split(_ path: ArraySlice<UInt8>) -> [RawName] {
    path.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }.map { RawName($0) }
  }

  /// What this layer has.
  private func here(_ parent: [RawName], _ name: RawName) throws(ArchiveError) -> Component {
    do throws(SystemCallError) {
      let directory = try openExactly(Self.joined(parent))
      guard let status = try Files.status(name, in: directory.borrowed) else { return .absent }
      if OverlayMarks.isWhiteout(status) { return .whiteout }
      return try Self.component(status, name, in: directory.borrowed)
    } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
      return .absent
    } catch {
      throw .entrySystem(name.text, error)
    }
  }

  /// What the layers below have; a directory is made here with the same attributes.
  private func below(_ parent: [RawName], _ name: RawName, making: Bool) throws(ArchiveError) -> Component {
    do throws(SystemCallError) {
      var attributes: FileAttributes?
      if let found = try findBelow(parent, name) {
        let component = try Self.component(found.status, name, in: found.directory.borrowed)
        if case .link = component { return component }
        if case .directory = component {
          let directory = try Files.open(name, in: found.directory.borrowed, O_RDONLY | O_DIRECTORY)
          attributes = try FileAttributes(of: directory.borrowed)
        }
      }
      guard making else { return attributes == nil ? .absent : .directory }
      let directory = try openExactly(Self.joined(parent))
      let made = try Files.makeOpenDirectory(name, in: directory.borrowed)
      try attributes?.apply(to: made.borrowed)
      try attributes?.applyTime(to: made.borrowed)
      return .directory
    } catch {
      throw .entrySystem(name.text, error)
    }
  }

  private static func component(
    _ status: stat, _ name: RawName, in directory: FileDescriptor
  ) throws(SystemCallError) -> Component {
    switch status.st_mode & S_IFMT {
    case S_IFDIR: .directory
    case S_IFLNK: .link(target: try Files.readLink(name, in: directory))
    default: .other
    }
  }

  private func findBelow(_ parent: [RawName], _ name: RawName) throws(SystemCallError) -> LowerLayers.Found? {
    if lower.isEmpty { return nil }
    usesLower = true
    for count in 0...parent.count {
      do throws(SystemCallError) {
        let directory = try openExactly(Self.joined(Array(parent[..<count])))
        if OverlayMarks.isOpaque(directory.borrowed) { return nil }
      } catch  where error.errno == .noSuchFileOrDirectory {
        break
      }
    }
    return try lower.find(parent + [name])
  }

  private func replaceWhiteout(_ parent: [RawName], _ name: RawName) throws(ArchiveError) {
    try onDisk { () throws(SystemCallError) in
      let directory = try openExactly(Self.joined(parent))
      try Files.removeTree(name, in: directory.borrowed)
      let made = try Files.makeOpenDirectory(name, in: directory.borrowed)
      try OverlayMarks.makeOpaque(made.borrowed)
    }
  }

  // MARK: Files that are there already

  enum Located: ~Copyable {
    case here(directory: OwnedDescriptor, name: RawName, status: stat)
    case below(LowerLayers.Found)
    case nowhere
  }

  /// Where a file is. Links among its directories are resolved, one at its end is not.
  func locate(_ path: EntryPath) throws(ArchiveError) -> Located {
    if path.isRoot { return .nowhere }
    let parent = try resolve(path.parent, makingMissing: false)
    let name = path.name
    do throws(SystemCallError) {
      do throws(SystemCallError) {
        let directory = try openExactly(Self.joined(parent))
        if let status = try Files.status(name, in: directory.borrowed) {
          return .here(directory: directory, name: name, status: status)
        }
      } catch  where error.errno == .noSuchFileOrDirectory {}
      if let found = try findBelow(parent, name) { return .below(found) }
      return .nowhere
    } catch {
      throw .entrySystem(path.text, error)
    }
  }
}
