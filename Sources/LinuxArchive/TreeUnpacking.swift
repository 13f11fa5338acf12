import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// Unpacks a tar into a directory in use: what is there stays, unless an entry has its name.
///
/// Nothing outside of the directory is read or changed, whatever the tar and the links in the directory say.
package struct TreeUnpacking {
  /// Who owns what is made.
  package enum Owner: Sendable {
    case one(uid: uid_t, gid: gid_t)
    /// As the tar says.
    case archived
  }

  private let tree: LayerTree
  private let owner: Owner
  private let ownerOffset: UInt32
  private let base: RawName?
  private var directoryTimes: [(path: [UInt8], time: timespec)] = []

  /// - Parameters:
  ///   - source: the tar, which may be compressed with gzip or zstd.
  ///   - base: the first component of all names, instead of the tar's own.
  ///   - ownerOffset: the host's number of what is user and group 0 for `owner`.
  package static func unpack(
    _ source: any ByteSource, into target: FileDescriptor, base: String? = nil, owner: Owner, ownerOffset: UInt32 = 0
  ) throws(ArchiveError) {
    var unpacking = TreeUnpacking(
      tree: LayerTree(root: target, lower: LowerLayers(lowestFirst: [])), owner: owner, ownerOffset: ownerOffset,
      base: base.map { RawName($0) })
    let reader = try TarReader(try Decompression.plain(source).source)
    while let entry = try reader.next() {
      do throws(ArchiveError) {
        try unpacking.unpack(entry, reader)
      } catch .system(let error) {
        throw .entrySystem(entry.name, error)
      }
    }
    try onDisk { () throws(SystemCallError) in
      // Something may be mounted there, too.
      try unpacking.tree.restoreTimes(
        unpacking.directoryTimes,
        passingOver: [.noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels, .improperLink])
    }
  }

  private init(tree: LayerTree, owner: Owner, ownerOffset: UInt32, base: RawName?) {
    self.tree = tree
    self.owner = owner
    self.ownerOffset = ownerOffset
    self.base = base
  }

  private mutating func unpack(_ entry: TarEntry, _ reader: TarReader) throws(ArchiveError) {
    let path = try EntryPath(renamed(entry.path))
    // The directory itself is there, and stays as it is.
    if path.isRoot { return }
    let attributes = try attributes(of: entry)
    let directory = try tree.directory(path.parent)
    let parent = directory.descriptor.borrowed
    let name = path.name
    switch entry.kind {
    case .directory:
      let made = try onDisk { () throws(SystemCallError) in try Self.directory(name, in: parent) }
      if made.isNew || base == nil {
        try onDisk { () throws(SystemCallError) in try attributes.apply(to: made.opened.borrowed) }
        directoryTimes.append((directory.path(of: name), attributes.modificationTime))
      }
    case .file:
      let file = try onDisk { () throws(SystemCallError) in
        try Self.clear(name, in: parent)
        return SharedDescriptor(try Files.open(name, in: parent, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600))
      }
      while let (bytes, offset) = unsafe try reader.nextBlock() {
        try onDisk { () throws(SystemCallError) in try unsafe Files.writeAll(file.borrowed, bytes, at: offset) }
      }
      try onDisk { () throws(SystemCallError) in
        if entry.isSparse { try Files.truncate(file.borrowed, to: entry.size) }
        try attributes.apply(to: file.borrowed)
        try attributes.applyTime(to: file.borrowed)
      }
    case .symbolicLink:
      try onDisk { () throws(SystemCallError) in
        try Self.clear(name, in: parent)
        try Files.makeLink(name, in: parent, to: RawName(entry.linkTarget))
        try attributes.apply(to: name, in: parent, isLink: true)
      }
    case .hardLink: try link(name, in: parent, to: entry)
    case .fifo, .characterDevice, .blockDevice:
      let kind = entry.kind == .fifo ? S_IFIFO : entry.kind == .characterDevice ? S_IFCHR : S_IFBLK
      let (major, minor) = entry.deviceNumbers
      try onDisk { () throws(SystemCallError) in
        try Self.clear(name, in: parent)
        let device = stk_makedev(UInt32(truncatingIfNeeded: major), UInt32(truncatingIfNeeded: minor))
        try Files.makeNode(name, in: parent, mode: kind | 0o600, device: device)
        try attributes.apply(to: name, in: parent, isLink: false)
      }
    case .unknown: throw .entry(entry.name, reason: "a kind of file that cannot be copied")
    }
    tree.forgetCachedDirectory()
  }

  private func link(_ name: RawName, in parent: FileDescriptor, to entry: TarEntry) throws(ArchiveError) {
    let target = try EntryPath(renamed(entry.hardLinkTarget))
    guard case .here(let directory, let first, _) = try tree.locate(target) else {
      throw .entry(entry.name, reason: "a hard link to \"\(target.text)\", which does not exist")
    }
    try onDisk { () throws(SystemCallError) in
      try Self.clear(name, in: parent)
      try Files.makeHardLink(name, in: parent, to: first, of: directory.borrowed)
    }
  }

  private func renamed(_ path: [UInt8]) -> [UInt8] {
    guard let base else { return path }
    let parts = path.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
    return Array(([base.bytes[...]] + parts.dropFirst()).joined(separator: [UInt8(ascii: "/")]))
  }

  private func attributes(of entry: TarEntry) throws(ArchiveError) -> FileAttributes {
    var attributes = try FileAttributes(entry)
    if case .one(let uid, let gid) = owner { (attributes.uid, attributes.gid) = (uid, gid) }
    attributes.uid = uid_t(clamping: UInt64(attributes.uid) + UInt64(ownerOffset))
    attributes.gid = gid_t(clamping: UInt64(attributes.gid) + UInt64(ownerOffset))
    attributes.extended = attributes.extended.map { name, value in
      (name, FileCapability.isNamed(name) ? FileCapability.value(value, for: ownerOffset) : value)
    }
    return attributes
  }

  /// Opens a directory, and makes it where there is none.
  private static func directory(
    _ name: RawName, in parent: FileDescriptor
  ) throws(SystemCallError) -> (opened: SharedDescriptor, isNew: Bool) {
    var isNew = true
    do throws(SystemCallError) {
      try Files.makeDirectory(name, in: parent)
    } catch  where error.errno == .fileExists {
      isNew = false
    }
    return (SharedDescriptor(try Files.open(name, in: parent, O_RDONLY | O_DIRECTORY)), isNew)
  }

  /// Frees a name; a directory does not make room for something else.
  private static func clear(_ name: RawName, in parent: FileDescriptor) throws(SystemCallError) {
    guard let status = try Files.status(name, in: parent) else { return }
    if status.st_mode & S_IFMT == S_IFDIR { throw SystemCallError("replace", on: name.text, .isDirectory) }
    try Files.removeTree(name, in: parent)
  }
}
