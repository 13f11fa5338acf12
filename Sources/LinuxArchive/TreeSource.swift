import Glibc
import LinuxSystem
import SystemPackage

/// A directory tree as a tar: sorted by name, so that equal trees make equal tars.
///
/// Stays on the file system of the directory, unless told otherwise: what is mounted in it is an empty directory. Sockets are
/// left out.
package final class TreeSource: ByteSource {
  private let writer: TarWriter
  /// The file system that it stays on; nil is all of them.
  private let device: dev_t?
  /// Taken from all owners: what a user namespace adds to them.
  private let ownerOffset: UInt32
  /// Whether it is the writable layer of an overlay, whose marks become whiteouts.
  private let isOverlay: Bool
  private var directories: [OpenDirectory]
  private var file: (source: FileSource, path: [UInt8])?
  /// The first name of each file that has more than one.
  private var linked: [FileIdentity: [UInt8]] = [:]
  private var hasRoot = false
  private var isFinished = false
  /// Whether the caller has had what is in the buffer.
  private var isTaken = false

  private struct OpenDirectory {
    let descriptor: SharedDescriptor
    let path: [UInt8]
    /// Still to come, the next one last.
    var names: [RawName]
  }

  private struct FileIdentity: Hashable {
    let device: dev_t
    let inode: ino_t
  }

  /// - Parameter ownerOffset: the host's number of what is user and group 0 in the tar.
  package convenience init(_ root: SharedDescriptor, ownerOffset: UInt32 = 0) throws(ArchiveError) {
    try self.init(root, ownerOffset: ownerOffset, isOverlay: false)
  }

  /// The writable layer of an overlay as a layer of an image: what is gone of the layers below is a whiteout.
  package convenience init(upper root: SharedDescriptor, ownerOffset: UInt32) throws(ArchiveError) {
    try self.init(root, ownerOffset: ownerOffset, isOverlay: true)
  }

  private init(_ root: SharedDescriptor, ownerOffset: UInt32, isOverlay: Bool) throws(ArchiveError) {
    writer = try TarWriter(to: nil)
    self.ownerOffset = ownerOffset
    self.isOverlay = isOverlay
    let (status, names) = try onDisk { () throws(SystemCallError) in
      (try Files.status(root.borrowed), try Files.rawNames(of: root.borrowed))
    }
    device = status.st_dev
    directories = [OpenDirectory(descriptor: root, path: [], names: names.reversed())]
  }

  /// Only what has a name in a directory, with what is mounted below it; a link is followed by nobody.
  /// - Parameter shownAs: the first component of all names in the tar.
  package init(
    _ name: String, in directory: SharedDescriptor, shownAs: String, ownerOffset: UInt32 = 0
  ) throws(ArchiveError) {
    writer = try TarWriter(to: nil)
    self.ownerOffset = ownerOffset
    isOverlay = false
    device = nil
    hasRoot = true
    directories = []
    try add(RawName(name), in: directory.borrowed, Array(shownAs.utf8))
  }

  package func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
    if isTaken { writer.output.removeAll() }
    isTaken = true
    while writer.output.count < 64 << 10 && !isFinished { try step() }
    return unsafe writer.output.bytes
  }

  /// Writes one entry, or a piece of one.
  private func step() throws(ArchiveError) {
    if let file {
      do throws(ArchiveError) {
        let piece = unsafe try file.source.next()
        if unsafe piece.isEmpty { self.file = nil }
        return try unsafe writer.write(piece)
      } catch .malformed {
        throw .entry(String(decoding: file.path, as: UTF8.self), reason: "it became shorter while it was read")
      }
    }
    guard hasRoot else {
      hasRoot = true
      return try begin(directories[0].descriptor.borrowed, path: Array("./".utf8))
    }
    guard let directory = directories.last else {
      isFinished = true
      return try writer.finish()
    }
    guard let name = directories[directories.count - 1].names.popLast() else {
      directories.removeLast()
      return
    }
    let path = directory.path.isEmpty ? name.bytes : directory.path + [UInt8(ascii: "/")] + name.bytes
    do throws(ArchiveError) {
      try add(name, in: directory.descriptor.borrowed, path)
    } catch .system(let error) {
      throw .entrySystem(String(decoding: path, as: UTF8.self), error)
    }
  }

  private func add(_ name: RawName, in directory: FileDescriptor, _ path: [UInt8]) throws(ArchiveError) {
    guard let status = try onDisk({ () throws(SystemCallError) in try Files.status(name, in: directory) }) else {
      return
    }
    if isOverlay {
      if OverlayMarks.isWhiteout(status) {
        let parent = path.dropLast(name.bytes.count)
        return try writer.begin(
          TarHeader(path: RawName(parent + Whiteout.prefix + name.bytes), kind: .file, permissions: 0))
      }
      if name.bytes.starts(with: Whiteout.prefix) {
        let text = String(decoding: path, as: UTF8.self)
        throw .entry(text, reason: "in an image a name that begins with .wh. says that a file is gone")
      }
    }
    if status.st_mode & S_IFMT != S_IFDIR && status.st_nlink > 1 {
      let identity = FileIdentity(device: status.st_dev, inode: status.st_ino)
      if let first = linked[identity] {
        var header = self.header(status, path, .hardLink)
        header.link = RawName(first)
        return try writer.begin(header)
      }
      linked[identity] = path
    }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: try enter(name, in: directory, path)
    case S_IFREG: try addFile(name, in: directory, path)
    case S_IFLNK:
      var header = self.header(status, path, .symbolicLink)
      header.link = try onDisk { () throws(SystemCallError) in RawName(try Files.readLink(name, in: directory)) }
      try writer.begin(header)
    case S_IFIFO: try writer.begin(header(status, path, .fifo))
    case S_IFCHR: try writer.begin(header(status, path, .characterDevice))
    case S_IFBLK: try writer.begin(header(status, path, .blockDevice))
    default: break
    }
  }

  private func enter(_ name: RawName, in directory: FileDescriptor, _ path: [UInt8]) throws(ArchiveError) {
    let (opened, status) = try onDisk { () throws(SystemCallError) in
      let opened = SharedDescriptor(try Files.open(name, in: directory, O_RDONLY | O_DIRECTORY))
      return (opened, try Files.status(opened.borrowed))
    }
    try begin(opened.borrowed, path: path + [UInt8(ascii: "/")])
    if let device, status.st_dev != device { return }
    let names = try onDisk { () throws(SystemCallError) in try Files.rawNames(of: opened.borrowed) }
    directories.append(OpenDirectory(descriptor: opened, path: path, names: names.reversed()))
  }

  private func begin(_ directory: FileDescriptor, path: [UInt8]) throws(ArchiveError) {
    let header = try onDisk { () throws(SystemCallError) in
      var header = self.header(try Files.status(directory), path, .directory)
      header.extended = try ExtendedAttributes.all(of: directory, seenBy: ownerOffset)
      return header
    }
    try writer.begin(header)
    if isOverlay, OverlayMarks.isOpaque(directory) {
      try writer.begin(TarHeader(path: RawName(path + Whiteout.everythingName), kind: .file, permissions: 0))
    }
  }

  private func addFile(_ name: RawName, in directory: FileDescriptor, _ path: [UInt8]) throws(ArchiveError) {
    let (opened, header) = try onDisk { () throws(SystemCallError) in
      // Without waiting, should a pipe have taken the name since.
      let opened = SharedDescriptor(try Files.open(name, in: directory, O_RDONLY | O_NONBLOCK))
      var header = self.header(try Files.status(opened.borrowed), path, .file)
      header.extended = try ExtendedAttributes.all(of: opened.borrowed, seenBy: ownerOffset)
      return (opened, header)
    }
    try writer.begin(header)
    if header.size > 0 { file = (FileSource(opened, count: header.size), path) }
  }
}

extension TreeSource {
  private func header(_ status: stat, _ path: [UInt8], _ kind: TarEntry.Kind) -> TarHeader {
    var header = TarHeader(status, path: path, kind: kind)
    // What belongs to nobody of the container is nobody's there (user_namespaces(7)).
    func inside(_ id: UInt32) -> UInt32 { id >= ownerOffset ? id - ownerOffset : 65534 }
    (header.uid, header.gid) = (inside(header.uid), inside(header.gid))
    return header
  }
}

extension TarHeader {
  fileprivate init(_ status: stat, path: [UInt8], kind: TarEntry.Kind) {
    self.init(
      path: RawName(path), kind: kind, permissions: status.st_mode & 0o7777, uid: status.st_uid, gid: status.st_gid,
      size: kind == .file ? UInt64(max(0, status.st_size)) : 0, modificationTime: status.st_mtim,
      device: status.st_rdev)
  }
}
