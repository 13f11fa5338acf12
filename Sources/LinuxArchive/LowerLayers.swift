import Glibc
import LinuxSystem
import SystemPackage

/// The layers below one that is being made, as overlayfs would show them: for what an archive takes for granted there.
struct LowerLayers {
  /// From the nearest to the farthest.
  private let roots: [SharedDescriptor]

  /// - Parameter roots: the layers from the lowest up, as images list them.
  init(lowestFirst roots: [SharedDescriptor]) {
    self.roots = roots.reversed()
  }

  var isEmpty: Bool { roots.isEmpty }

  struct Found: ~Copyable {
    let status: stat
    /// The directory it is in, and its name there.
    let directory: OwnedDescriptor
    let name: RawName
  }

  /// What lies at a path that passes through no link; nil when nothing does.
  func find(_ components: [RawName]) throws(SystemCallError) -> Found? {
    for root in roots {
      switch try Self.find(components, in: root.borrowed) {
      case .found(let found): return found
      case .hidden: return nil
      case .absent: continue
      }
    }
    return nil
  }

  private enum Outcome: ~Copyable {
    case found(Found)
    /// This layer says that there is nothing, whatever those below it have.
    case hidden
    /// This layer says nothing.
    case absent
  }

  private static func find(_ components: [RawName], in root: FileDescriptor) throws(SystemCallError) -> Outcome {
    var directory = try Files.open(RawName("."), in: root, O_RDONLY | O_DIRECTORY)
    var isHidden = false
    for (index, name) in components.enumerated() {
      isHidden = isHidden || OverlayMarks.isOpaque(directory.borrowed)
      guard let status = try Files.status(name, in: directory.borrowed) else { return isHidden ? .hidden : .absent }
      if OverlayMarks.isWhiteout(status) { return .hidden }
      if index == components.count - 1 { return .found(Found(status: status, directory: directory, name: name)) }
      guard status.st_mode & S_IFMT == S_IFDIR else { return .hidden }
      directory = try Files.open(name, in: directory.borrowed, O_RDONLY | O_DIRECTORY)
    }
    return .absent
  }
}
