import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// Turns a layer, a tar with whiteouts (OCI image specification, layer.md), into a lower directory for overlayfs.
///
/// Nothing outside of the target directory is read or changed, whatever the tar says. What went wrong leaves the target
/// half-filled: callers unpack into a temporary directory.
package struct LayerUnpacking {
  private let tree: LayerTree
  private let limits: UnpackLimits
  private let recorder: RecipeRecorder?
  private var entries = 0
  private var written: UInt64 = 0
  private var newest: Int64 = 0
  private var highestOwner: UInt32 = 0
  private var hasMarks = false
  private var hidesLower = false
  /// Set once everything is in them: each new entry changes the time of its directory.
  private var directoryTimes: [(path: [UInt8], time: timespec)] = []
  private var directoryPathBytes = 0

  /// Needs root, for owners, devices and `trusted.*` attributes.
  /// - Parameters:
  ///   - blob: the tar, which may be compressed with gzip or zstd.
  ///   - target: an empty directory.
  ///   - lower: the layers below, from the lowest up.
  ///   - recipe: an empty file that gets what `RecipeSource` needs to give the tar back.
  package static func unpack(
    _ blob: any ByteSource, into target: FileDescriptor, over lower: [SharedDescriptor] = [],
    recipe: FileDescriptor? = nil, limits: UnpackLimits
  ) throws(ArchiveError) -> UnpackedLayer {
    let hashedBlob = HashingSource(blob)
    let (plain, wasCompressed) = try Decompression.plain(hashedBlob)
    let tar = wasCompressed ? HashingSource(plain) : hashedBlob
    // What was looked at already passed the hash of the blob, and is still to pass the reader.
    let input: any ByteSource = wasCompressed ? tar : plain
    let recorder: RecipeRecorder? = if let recipe { try RecipeRecorder(file: recipe) } else { nil }
    let observed = RecordedSource(input, recorder)

    var unpacking = LayerUnpacking(
      tree: LayerTree(root: target, lower: LowerLayers(lowestFirst: lower)), limits: limits, recorder: recorder)
    try unpacking.unpackEntries(of: observed)
    try observed.drain()
    try hashedBlob.drain()
    let diffID = tar.digest()
    return UnpackedLayer(
      blob: wasCompressed ? hashedBlob.digest() : diffID, blobSize: hashedBlob.count, diffID: diffID,
      tarSize: tar.count, entries: unpacking.entries, contentSize: unpacking.written, newest: unpacking.newest,
      highestOwner: unpacking.highestOwner, usesLower: unpacking.tree.usesLower, hidesLower: unpacking.hidesLower,
      hasMarks: unpacking.hasMarks,
      hasRecipe: try recorder?.finish() ?? false)
  }

  private init(tree: LayerTree, limits: UnpackLimits, recorder: RecipeRecorder?) {
    self.tree = tree
    self.limits = limits
    self.recorder = recorder
  }

  private mutating func unpackEntries(of source: any ByteSource) throws(ArchiveError) {
    let reader = try TarReader(source)
    while let entry = try reader.next() {
      recorder?.expect(position: reader.headerPosition)
      entries += 1
      if entries > limits.entries { throw .limit("more than \(limits.entries) entries") }
      do throws(ArchiveError) {
        try unpack(entry, reader)
      } catch .system(let error) {
        throw .entrySystem(entry.name, error)
      }
    }
    recorder?.expect(position: reader.headerPosition)
    try onDisk { () throws(SystemCallError) in
      try tree.restoreTimes(
        directoryTimes, passingOver: [.noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels])
    }
  }

  private mutating func unpack(_ entry: TarEntry, _ reader: TarReader) throws(ArchiveError) {
    let path = try EntryPath(entry.path)
    if entry.kind != .symbolicLink { newest = max(newest, Int64(entry.modificationTime.tv_sec)) }
    switch try Whiteout(path, isDirectory: entry.kind == .directory) {
    case .name(let name): return try hide(name, in: path)
    case .everything: return try hideEverything(in: path)
    case .bookkeeping: return
    case nil: break
    }
    let attributes = try FileAttributes(entry)
    highestOwner = max(highestOwner, attributes.uid, attributes.gid)
    if path.isRoot {
      // The root cannot be anything but a directory.
      guard entry.kind == .directory else {
        throw .entry(entry.name, reason: "the root of a layer must be a directory")
      }
      return try setAttributes(of: entry, onDirectory: [], tree.root)
    }
    let directory = try tree.directory(path.parent)
    switch entry.kind {
    case .directory: try makeDirectory(path.name, in: directory, entry)
    case .file: try makeFile(path.name, in: directory, entry, attributes, reader)
    case .symbolicLink: try makeLink(path.name, in: directory, entry, attributes)
    case .hardLink: try makeHardLink(path.name, in: directory, entry)
    case .fifo, .characterDevice, .blockDevice: try makeNode(path.name, in: directory, entry, attributes)
    case .unknown: throw .entry(entry.name, reason: "a kind of file that layers cannot have")
    }
  }

  // MARK: Each kind of file

  private mutating func makeDirectory(
    _ name: RawName, in directory: LayerTree.Directory, _ entry: TarEntry
  ) throws(ArchiveError) {
    let parent = directory.descriptor.borrowed
    var wasWhiteout = false
    let isTaken = try onDisk { () throws(SystemCallError) in
      do throws(SystemCallError) {
        try Files.makeDirectory(name, in: parent)
        return false
      } catch  where error.errno == .fileExists {
        return try Files.status(name, in: parent).map { $0.st_mode & S_IFMT != S_IFDIR } ?? true
      }
    }
    if isTaken {
      wasWhiteout = try replace(name, in: directory) { () throws(SystemCallError) in
        try Files.makeDirectory(name, in: parent)
      }
    }
    let made = try onDisk { () throws(SystemCallError) in try Files.open(name, in: parent, O_RDONLY | O_DIRECTORY) }
    if wasWhiteout { try onDisk { () throws(SystemCallError) in try OverlayMarks.makeOpaque(made.borrowed) } }
    try setAttributes(of: entry, onDirectory: directory.path(of: name), made.borrowed)
  }

  private mutating func setAttributes(
    of entry: TarEntry, onDirectory path: [UInt8], _ descriptor: FileDescriptor
  ) throws(ArchiveError) {
    let attributes = try FileAttributes(entry)
    try onDisk { () throws(SystemCallError) in try attributes.apply(to: descriptor) }
    directoryPathBytes += path.count
    if directoryPathBytes > limits.directoryPaths { throw .limit("too many directories with long paths") }
    directoryTimes.append((path, attributes.modificationTime))
  }

  private mutating func makeFile(
    _ name: RawName, in directory: LayerTree.Directory, _ entry: TarEntry, _ attributes: FileAttributes,
    _ reader: TarReader
  ) throws(ArchiveError) {
    let size = entry.size
    if !entry.isSparse && size > limits.bytes - written {
      throw .limit("not enough space on the file system for \"\(entry.name)\"")
    }
    let parent = directory.descriptor.borrowed
    let flags = O_WRONLY | O_CREAT | O_EXCL
    // Opened again by `replace` when the name was taken.
    var opened: SharedDescriptor?
    try replace(name, in: directory) { () throws(SystemCallError) in
      opened = SharedDescriptor(try Files.open(name, in: parent, flags, mode: 0o600))
    }
    guard let file = opened?.borrowed else { return }
    if size > 0 {
      if entry.isSparse {
        recorder?.giveUp()
      } else {
        recorder?.content(at: reader.position, count: size, of: directory.path(of: name))
      }
    }
    try writeContent(of: reader, size: size, to: file)
    try onDisk { () throws(SystemCallError) in
      try attributes.apply(to: file)
      try attributes.applyTime(to: file)
    }
    withExtendedLifetime(opened) {}
  }

  /// Holes are left out, and cost nothing however large they are.
  private mutating func writeContent(
    of reader: TarReader, size: UInt64, to file: FileDescriptor
  ) throws(ArchiveError) {
    var end: UInt64 = 0
    while let (bytes, offset) = unsafe try reader.nextBlock() {
      let count = UInt64(bytes.count)
      try account(for: count)
      end = offset + count
      try onDisk { () throws(SystemCallError) in try unsafe Files.writeAll(file, bytes, at: offset) }
    }
    if end < size { try onDisk { () throws(SystemCallError) in try Files.truncate(file, to: size) } }
  }

  private mutating func account(for count: UInt64) throws(ArchiveError) {
    if count > limits.bytes - written { throw .limit("not enough space on the file system") }
    written += count
  }

  private func makeLink(
    _ name: RawName, in directory: LayerTree.Directory, _ entry: TarEntry, _ attributes: FileAttributes
  ) throws(ArchiveError) {
    let target = RawName(entry.linkTarget)
    let parent = directory.descriptor.borrowed
    try replace(name, in: directory) { () throws(SystemCallError) in
      try Files.makeLink(name, in: parent, to: target)
    }
    try onDisk { () throws(SystemCallError) in try attributes.apply(to: name, in: parent, isLink: true) }
  }

  private func makeNode(
    _ name: RawName, in directory: LayerTree.Directory, _ entry: TarEntry, _ attributes: FileAttributes
  ) throws(ArchiveError) {
    let (kind, device) = try Self.nodeKind(entry)
    let parent = directory.descriptor.borrowed
    try replace(name, in: directory) { () throws(SystemCallError) in
      try Files.makeNode(name, in: parent, mode: kind | 0o600, device: device)
    }
    try onDisk { () throws(SystemCallError) in try attributes.apply(to: name, in: parent, isLink: false) }
  }

  private static func nodeKind(_ entry: TarEntry) throws(ArchiveError) -> (kind: mode_t, device: dev_t) {
    if entry.kind == .fifo { return (S_IFIFO, 0) }
    let (major, minor) = entry.deviceNumbers
    // The kernel's device numbers have 12 bits for the major number and 20 for the minor.
    guard major < 1 << 12, minor < 1 << 20 else { throw .entry(entry.name, reason: "device number out of range") }
    if entry.kind == .characterDevice && major == 0 && minor == 0 {
      throw .entry(entry.name, reason: "character device 0:0 is overlayfs's sign for a removed file")
    }
    return (entry.kind == .characterDevice ? S_IFCHR : S_IFBLK, stk_makedev(UInt32(major), UInt32(minor)))
  }

  private mutating func makeHardLink(
    _ name: RawName, in directory: LayerTree.Directory, _ entry: TarEntry
  ) throws(ArchiveError) {
    let parent = directory.descriptor.borrowed
    let target = try EntryPath(entry.hardLinkTarget)
    switch try tree.locate(target) {
    case .here(let from, let targetName, let status):
      if status.st_mode & S_IFMT == S_IFDIR || OverlayMarks.isWhiteout(status) {
        throw .entry(entry.name, reason: "a hard link to \"\(target.text)\", which is no file")
      }
      if let existing = try onDisk({ () throws(SystemCallError) in try Files.status(name, in: parent) }),
        existing.st_ino == status.st_ino, existing.st_dev == status.st_dev
      {
        return
      }
      try replace(name, in: directory) { () throws(SystemCallError) in
        try Files.makeHardLink(name, in: parent, to: targetName, of: from.borrowed)
      }
    case .below(let found):
      try copyUp(found, to: name, in: directory, entry)
    case .nowhere:
      throw .entry(entry.name, reason: "a hard link to \"\(target.text)\", which does not exist")
    }
  }

  /// A hard link to a file of a layer below is a copy, as overlayfs would make it.
  private mutating func copyUp(
    _ found: borrowing LowerLayers.Found, to name: RawName, in directory: LayerTree.Directory, _ entry: TarEntry
  ) throws(ArchiveError) {
    let parent = directory.descriptor.borrowed
    let source = found.directory.borrowed
    switch found.status.st_mode & S_IFMT {
    case S_IFREG:
      try account(for: UInt64(found.status.st_size))
      let from = try onDisk { () throws(SystemCallError) in
        try Files.open(found.name, in: source, O_RDONLY | O_NONBLOCK)
      }
      var opened: SharedDescriptor?
      try replace(name, in: directory) { () throws(SystemCallError) in
        opened = SharedDescriptor(try Files.open(name, in: parent, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600))
      }
      guard let to = opened?.borrowed else { return }
      try onDisk { () throws(SystemCallError) in
        try Files.copyBytes(from: from.borrowed, to: to)
        let attributes = try FileAttributes(of: from.borrowed)
        try attributes.apply(to: to)
        try attributes.applyTime(to: to)
      }
      withExtendedLifetime(opened) {}
    case S_IFLNK:
      let target = try onDisk { () throws(SystemCallError) in RawName(try Files.readLink(found.name, in: source)) }
      try replace(name, in: directory) { () throws(SystemCallError) in
        try Files.makeLink(name, in: parent, to: target)
      }
      let attributes = FileAttributes(found.status)
      try onDisk { () throws(SystemCallError) in try attributes.apply(to: name, in: parent, isLink: true) }
    default:
      throw .entry(entry.name, reason: "a hard link to what is no file in the layers below")
    }
  }

  // MARK: Whiteouts

  /// Whiteouts mean the layers below only, wherever in the tar they stand.
  private mutating func hide(_ name: RawName, in path: EntryPath) throws(ArchiveError) {
    hasMarks = true
    let directory = try tree.directory(path.parent).descriptor.borrowed
    try onDisk { () throws(SystemCallError) in
      guard let existing = try Files.status(name, in: directory) else {
        return try OverlayMarks.makeWhiteout(name, in: directory)
      }
      // A file of this layer hides what is below it already.
      guard existing.st_mode & S_IFMT == S_IFDIR else { return }
      let opened = try Files.open(name, in: directory, O_RDONLY | O_DIRECTORY)
      try OverlayMarks.makeOpaque(opened.borrowed)
    }
  }

  private mutating func hideEverything(in path: EntryPath) throws(ArchiveError) {
    hasMarks = true
    let directory = try tree.directory(path.parent)
    if directory.path.isEmpty { hidesLower = true }
    try onDisk { () throws(SystemCallError) in try OverlayMarks.makeOpaque(directory.descriptor.borrowed) }
  }

  // MARK: Names that are taken

  /// Makes something under a new name; if the name is taken, what has it goes first, with all that is in it.
  /// - Returns: whether it was a whiteout that had the name.
  @discardableResult
  private func replace(
    _ name: RawName, in directory: LayerTree.Directory, making: () throws(SystemCallError) -> Void
  ) throws(ArchiveError) -> Bool {
    do throws(SystemCallError) {
      do throws(SystemCallError) {
        try making()
        return false
      } catch  where error.errno == .fileExists {}
      let parent = directory.descriptor.borrowed
      let wasWhiteout = try Files.status(name, in: parent).map(OverlayMarks.isWhiteout) ?? false
      // What the tar said before is lost with the file.
      if !wasWhiteout { recorder?.giveUp() }
      try Files.removeTree(name, in: parent)
      tree.forgetCachedDirectory()
      try making()
      return wasWhiteout
    } catch {
      throw .entrySystem(String(decoding: directory.path(of: name), as: UTF8.self), error)
    }
  }
}
