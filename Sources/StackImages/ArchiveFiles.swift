import Glibc
import LinuxArchive
import LinuxSystem
import SystemPackage

/// The files of an image archive, by their names in it: a directory, or a tar that can be read at any place.
enum ArchiveFiles {
  case directory(SharedDescriptor)
  case tar(SharedDescriptor, TarIndex)

  /// A file, or the part of a tar that is one.
  struct Extent {
    let file: SharedDescriptor
    let offset: UInt64
    let size: UInt64

    func source() -> FileSource { FileSource(file, at: offset, count: size) }
  }

  /// Opens a directory, a tar, or a compressed tar; `-` is standard input.
  /// - Parameter spool: a directory for a temporary file that gets what cannot be read at any place.
  init(_ path: String, spool: String) throws(ImageError) {
    let file = try Self.open(path)
    let status = try onDisk { () throws(SystemCallError) in try Files.status(file.borrowed) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR:
      self = .directory(file)
    case S_IFREG where path != "-":
      let size = UInt64(status.st_size)
      let isCompressed = try archiving(path) { () throws(ArchiveError) in try Spool.isCompressed(file, size: size) }
      self = isCompressed ? try Self.spooled(file, path, in: spool) : try Self.indexed(file, size: size, path)
    default:
      self = try Self.spooled(file, path, in: spool)
    }
  }

  static func open(_ path: String) throws(ImageError) -> SharedDescriptor {
    do throws(SystemCallError) {
      return SharedDescriptor(try path == "-" ? OwnedDescriptor(duplicating: .standardInput) : Files.open(path))
    } catch  where error.errno == .noSuchFileOrDirectory {
      throw ImageError(.notFound, "there is no file or directory \(path)")
    } catch {
      throw ImageError(error)
    }
  }

  private static func indexed(_ file: SharedDescriptor, size: UInt64, _ path: String) throws(ImageError) -> Self {
    let index = try archiving(path) { () throws(ArchiveError) in try TarIndex(file, size: size) }
    return .tar(file, index)
  }

  private static func spooled(_ file: SharedDescriptor, _ path: String, in spool: String) throws(ImageError) -> Self {
    let target = try SpoolFile(in: spool)
    let size = try archiving(path) { () throws(ArchiveError) in
      try Spool.copyPlain(FileSource(stream: file), to: target.file.borrowed, limit: target.limit)
    }
    return try indexed(target.file, size: size, path)
  }

  /// A file of the archive; nil when it has none of this name.
  func file(_ path: String) throws(ImageError) -> Extent? {
    switch self {
    case .tar(let file, let index):
      return index[path].map { Extent(file: file, offset: $0.offset, size: $0.size) }
    case .directory(let directory):
      return try onDisk { () throws(SystemCallError) in
        // Links of the directory lead to what is in it only, and a pipe keeps nobody waiting.
        guard
          let opened = try Files.openIfPresent(
            path, below: directory.borrowed, [.inRoot, .noMagicLinks], O_RDONLY | O_NONBLOCK)
        else { return nil }
        let status = try Files.status(opened.borrowed)
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        return Extent(file: SharedDescriptor(opened), offset: 0, size: UInt64(status.st_size))
      }
    }
  }

  /// All bytes of a document; nil when there is none of this name.
  func document(_ path: String) throws(ImageError) -> [UInt8]? {
    guard let extent = try file(path) else { return nil }
    guard extent.size <= JSONDocument.largest else {
      throw ImageError(.invalidArchive, "\(path) is larger than \(JSONDocument.largest) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: Int(extent.size))
    let count = try onDisk { () throws(SystemCallError) in
      try Files.read(extent.file.borrowed, at: extent.offset, into: &bytes)
    }
    return Array(bytes[..<count])
  }
}

/// A file without a name, which is gone when it is closed.
struct SpoolFile {
  let file: SharedDescriptor
  /// How large it may become.
  let limit: UInt64

  init(in directory: String) throws(ImageError) {
    (file, limit) = try onDisk { () throws(SystemCallError) in
      let file = SharedDescriptor(try Files.openUnnamed(in: directory))
      return (file, try UnpackLimits(freeSpaceOf: file.borrowed).bytes)
    }
  }
}

extension Files {
  /// A file that has no name (open(2), O_TMPFILE); on file systems without such files, one whose name is removed at once.
  fileprivate static func openUnnamed(in directory: String) throws(SystemCallError) -> OwnedDescriptor {
    // __O_TMPFILE of asm-generic/fcntl.h, which glibc shows only with _GNU_SOURCE.
    let unnamed = 0o20_000_000 | O_DIRECTORY
    do throws(SystemCallError) {
      return try open(directory, unnamed | O_RDWR, mode: 0o600)
    } catch  where error.errno == .notSupportedOnSocket || error.errno == .isDirectory {
      let path = "\(directory)/spool"
      let file = try open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
      try removeFile(path)
      return file
    }
  }
}
