import Glibc
import LinuxArchive
import LinuxSystem
import SystemPackage

/// The store while this process alone may write to it.
///
/// Things are made in the temporary directory and renamed into their place. A process that is killed leaves temporary files
/// and nothing else; the next writer removes them.
struct StoreWriting: ~Copyable {
  let layout: StoreLayout
  private let lock: FileLock

  /// Waits until no other process writes. Needs root, for the owners of files.
  init(_ layout: StoreLayout) throws(ImageError) {
    self.layout = layout
    lock = try onDisk { () throws(SystemCallError) in
      for directory in layout.directories { try Files.makeDirectories(directory) }
      let lock = try FileLock(layout.lock)
      let temporary = try Files.open(layout.temporary, O_RDONLY | O_DIRECTORY)
      for name in try Files.names(in: layout.temporary) {
        try Files.removeTree(RawName(name), in: temporary.borrowed)
      }
      return lock
    }
  }

  // MARK: Small files

  /// Puts a whole file in its place.
  func publish(_ bytes: [UInt8], at path: String) throws(ImageError) {
    let temporary = "\(layout.temporary)/file"
    try onDisk { () throws(SystemCallError) in
      let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
      try Files.writeAll(file.borrowed, array: bytes)
      try Files.rename(temporary, to: path)
    }
  }

  func publish(document: [UInt8]) throws(ImageError) -> Digest {
    let digest = Digest(of: document)
    if !Files.exists(layout.blob(digest)) { try publish(document, at: layout.blob(digest)) }
    return digest
  }

  func publish(_ record: ImageRecord) throws(ImageError) {
    try publish(record.wireBytes, at: layout.record(record.id))
  }

  /// Lets a name mean an image.
  func publish(_ reference: ImageReference, of id: Digest) throws(ImageError) {
    guard let tag = reference.tag, reference.digest == nil else {
      throw ImageError(.invalidReference, "\"\(reference.familiar)\": an image cannot be given a digest as its name")
    }
    let path = layout.reference(reference, tag: tag)
    try onDisk { () throws(SystemCallError) in
      try Files.makeDirectories("\(layout.references)/\(reference.repository)")
    }
    try publish(Array("\(id)\n".utf8), at: path)
  }

  // MARK: Layers

  /// Unpacks a layer, unless it is there already.
  ///
  /// - Parameters:
  ///   - subject: for messages.
  ///   - expected: what the layer must be; nil takes what comes.
  ///   - below: the layers of the image below this one.
  ///   - source: the bytes of the layer from their beginning. Is asked a second time for a layer that cannot be made from its
  ///     files again.
  func layer(
    _ subject: String, expected: ArchivedLayer?, below: [LayerRecord],
    source: () throws(ArchiveError) -> any ByteSource
  ) throws(ImageError) -> LayerRecord {
    if let expected, let known = try knownLayer(expected.diffID, below: below) { return known }
    let place = "\(layout.temporary)/layer"
    let unpacked = try unpack(subject, expected, at: place, below: below, source)
    try expected?.verify(unpacked, subject)
    let key = unpacked.usesLower ? Self.chainKey(unpacked.diffID, below) : Self.key(unpacked.diffID)
    let record = LayerRecord(unpacked, key: key)
    if let known = try readLayer(key) {
      try removeTree("layer")
      return known
    }
    if record.blob != nil {
      try onDisk { () throws(SystemCallError) in try Files.removeFile("\(place)/recipe") }
      try keep(unpacked, subject, source)
    }
    try publish(
      StoredLayer(record: record, highestOwner: unpacked.highestOwner).wireBytes, at: "\(place)/record")
    try onDisk { () throws(SystemCallError) in try Files.rename(place, to: layout.layer(key)) }
    return record
  }

  private func unpack(
    _ subject: String, _ expected: ArchivedLayer?, at place: String, below: [LayerRecord],
    _ source: () throws(ArchiveError) -> any ByteSource
  ) throws(ImageError) -> UnpackedLayer {
    let visible = below[(below.lastIndex { $0.hidesLower } ?? 0)...]
    let (root, recipe, lower) = try onDisk { () throws(SystemCallError) in
      try Files.makeDirectory(place)
      let root = try Files.makeOpenDirectory("\(place)/root")
      let recipe = try Files.open("\(place)/recipe", O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
      var lower: [SharedDescriptor] = []
      for layer in visible {
        lower.append(SharedDescriptor(try Files.open(layout.layerRoot(layer.key), O_RDONLY | O_DIRECTORY)))
      }
      return (root, SharedDescriptor(recipe), lower)
    }
    do throws(ArchiveError) {
      return try LayerUnpacking.unpack(
        source(), into: root.borrowed, over: lower, recipe: recipe.borrowed,
        limits: try UnpackLimits.free(on: root.borrowed))
    } catch {
      throw expected?.explain(error, subject) ?? ImageError(error, subject)
    }
  }

  private func keep(
    _ unpacked: UnpackedLayer, _ subject: String, _ source: () throws(ArchiveError) -> any ByteSource
  ) throws(ImageError) {
    let path = layout.blob(unpacked.blob)
    if Files.exists(path) { return }
    let temporary = "\(layout.temporary)/blob"
    let file = try onDisk { () throws(SystemCallError) in
      SharedDescriptor(try Files.open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
    }
    try archiving(subject) { () throws(ArchiveError) in
      let limit = try UnpackLimits.free(on: file.borrowed).bytes
      let (digest, _) = try Spool.copy(source(), to: file.borrowed, limit: limit)
      if digest != unpacked.blob { throw ArchiveError.digestMismatch(expected: unpacked.blob, actual: digest) }
    }
    try onDisk { () throws(SystemCallError) in try Files.rename(temporary, to: path) }
  }

  private func knownLayer(_ diffID: Digest, below: [LayerRecord]) throws(ImageError) -> LayerRecord? {
    if let layer = try readLayer(Self.key(diffID)) { return layer }
    return try readLayer(Self.chainKey(diffID, below))
  }

  private func readLayer(_ key: String) throws(ImageError) -> LayerRecord? {
    try StoredLayer.read(layout.layerRecord(key))?.record
  }

  private static func key(_ diffID: Digest) -> String { "sha256-\(diffID.hexadecimal)" }

  /// Of a layer with all that is below it (config.md, "Layer ChainID").
  private static func chainKey(_ diffID: Digest, _ below: [LayerRecord]) -> String {
    var chain: Digest?
    for layer in below.map(\.diffID) + [diffID] {
      chain = chain.map { Digest(of: Array("\($0) \(layer)".utf8)) } ?? layer
    }
    return "chain-\((chain ?? diffID).hexadecimal)"
  }

  // MARK: Removal

  /// Removes a temporary file or tree.
  private func removeTree(_ name: String) throws(ImageError) {
    try onDisk { () throws(SystemCallError) in
      let temporary = try Files.open(layout.temporary, O_RDONLY | O_DIRECTORY)
      try Files.removeTree(RawName(name), in: temporary.borrowed)
    }
  }

  /// Removes a layer: it is gone at once for all others, and then from the disk.
  func removeLayer(_ key: String) throws(ImageError) {
    try onDisk { () throws(SystemCallError) in
      try Files.rename(layout.layer(key), to: "\(layout.temporary)/removed")
    }
    try removeTree("removed")
  }
}

extension Files {
  /// A new directory that everybody may read, whatever the umask.
  static func makeOpenDirectory(_ path: String) throws(SystemCallError) -> SharedDescriptor {
    try makeDirectory(path, mode: 0o755)
    let directory = try open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    try checkedErrno("fchmod", on: path, fchmod(directory.borrowed.rawValue, 0o755))
    return SharedDescriptor(directory)
  }
}

extension UnpackLimits {
  static func free(on directory: FileDescriptor) throws(ArchiveError) -> UnpackLimits {
    do throws(SystemCallError) { return try UnpackLimits(freeSpaceOf: directory) } catch { throw .system(error) }
  }
}
