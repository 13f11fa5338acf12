import Glibc
import LinuxArchive
import LinuxSystem

extension ImageStore {
  /// Takes the images of an archive: a docker archive or an OCI layout, as a tar (also compressed) or a directory; `-` is
  /// standard input.
  ///
  /// - Parameter name: the name of the only image in the archive, instead of its own.
  /// - Returns: the images, with the names that they got.
  @discardableResult
  package func load(from path: String, name: String? = nil) throws(ImageError) -> [ImageSummary] {
    let given = try name.map { name throws(ImageError) in try ImageReference(name) }
    let writing = try StoreWriting(layout)
    let archive = try ImageArchive(path, spool: layout.temporary)
    if given != nil && archive.images.count != 1 {
      throw ImageError(.ambiguous, "\(path) has \(archive.images.count) images: one name cannot be for all")
    }
    var loaded: [ImageSummary] = []
    for image in archive.images {
      let references = given.map { [$0] } ?? image.references
      loaded.append(try writing.add(image, as: references, from: path))
    }
    return loaded
  }

  /// Makes an image of a file system: a tar (also compressed), a directory, or `-` for a tar from standard input.
  ///
  /// Equal file systems make equal images: the image is as old as its newest file.
  @discardableResult
  package func importFileSystem(name: String, from path: String) throws(ImageError) -> ImageSummary {
    let reference = try ImageReference(name)
    let writing = try StoreWriting(layout)
    let layer = try writing.layer(
      path, expected: nil, below: [], source: try FileSystemSource(path, writing.layout).open)
    let created = max(0, min(layer.newest, Int(KernelClock.realtime / 1_000_000_000)))
    let document = ImageDocument(
      created: Timestamp.text(created), architecture: Platform.architecture, os: Platform.os,
      config: ImageDocument.Runtime(), rootfs: .init(type: "layers", diffIDs: [layer.diffID.description]),
      history: [.init(created: Timestamp.text(created), createdBy: "stack image import")])
    let bytes = try JSONDocument.encode(document)
    let record = ImageRecord(
      id: Digest(of: bytes), created: created, layers: [layer], manifest: nil,
      configuration: try ImageConfiguration(document))
    return try writing.add(record, document: bytes, manifest: nil, as: [reference])
  }

  /// The directory with the content of a tar (also compressed), which is unpacked once: as long as the file stays as it is,
  /// the next call costs one look at it.
  package func unpackedArchive(path: String) throws(ImageError) -> String {
    let file = try ArchiveFiles.open(path)
    let identity = try ArchiveRecord(of: file, path: path)
    if let key = try knownArchive(identity) { return layout.layerRoot(key) }
    let writing = try StoreWriting(layout)
    // Another process may have done it meanwhile.
    if let key = try knownArchive(identity) { return layout.layerRoot(key) }
    var record = identity
    let layer = try writing.layer(path, expected: nil, below: []) { FileSource(file, count: identity.size) }
    record.layer = layer.key
    guard try ArchiveRecord(of: file, path: path) == identity else {
      throw ImageError(.invalidArchive, "\(path): it changed while it was read")
    }
    try writing.publish(record.wireBytes, at: layout.archive(path: path))
    return layout.layerRoot(layer.key)
  }

  private func knownArchive(_ identity: ArchiveRecord) throws(ImageError) -> String? {
    guard let known = try readArchive(layout.archive(path: identity.path)) else { return nil }
    var expected = identity
    expected.layer = known.layer
    return known == expected && Files.exists(layout.layerRoot(known.layer)) ? known.layer : nil
  }

  /// nil for a record that is absent or cannot be read: it is only a memory.
  func readArchive(_ path: String) throws(ImageError) -> ArchiveRecord? {
    let bytes = try onDisk { () throws(SystemCallError) in try Files.readIfPresent(path) }
    return bytes.flatMap { try? ArchiveRecord(wireBytes: $0) }
  }
}

extension StoreWriting {
  fileprivate borrowing func add(
    _ image: ArchivedImage, as references: [ImageReference], from path: String
  ) throws(ImageError) -> ImageSummary {
    var layers: [LayerRecord] = []
    for layer in image.layers {
      let subject = "\(path): layer \(layers.count + 1) of \(image.layers.count)"
      layers.append(try self.layer(subject, expected: layer, below: layers) { layer.extent.source() })
    }
    let record = ImageRecord(
      id: image.id, created: image.created ?? 0, layers: layers,
      manifest: image.manifest.map { Digest(of: $0) }, configuration: image.configuration)
    return try add(record, document: image.document, manifest: image.manifest, as: references)
  }

  /// Everything that the image is made of is in place: now it gets known.
  borrowing func add(
    _ record: ImageRecord, document: [UInt8], manifest: [UInt8]?, as references: [ImageReference]
  ) throws(ImageError) -> ImageSummary {
    _ = try publish(document: document)
    if let manifest { _ = try publish(document: manifest) }
    var record = record
    // An archive without a manifest does not make the store forget the one it knows.
    if record.manifest == nil { record.manifest = try ImageStore(layout: layout).readRecord(record.id)?.manifest }
    try publish(record)
    for reference in references { try publish(reference, of: record.id) }
    return ImageSummary(record, references: references.map(\.familiar))
  }
}

/// Where the bytes of a file system come from.
private struct FileSystemSource {
  private enum Origin {
    case directory(SharedDescriptor)
    case file(SharedDescriptor, size: UInt64)
  }

  private let origin: Origin

  init(_ path: String, _ layout: StoreLayout) throws(ImageError) {
    let file = try ArchiveFiles.open(path)
    let status = try onDisk { () throws(SystemCallError) in try Files.status(file.borrowed) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: origin = .directory(file)
    case S_IFREG where path != "-": origin = .file(file, size: UInt64(status.st_size))
    default:
      let target = try SpoolFile(in: layout.temporary)
      let size = try archiving(path) { () throws(ArchiveError) in
        try Spool.copyPlain(FileSource(stream: file), to: target.file.borrowed, limit: target.limit)
      }
      origin = .file(target.file, size: size)
    }
  }

  func open() throws(ArchiveError) -> any ByteSource {
    switch origin {
    case .directory(let directory): try TreeSource(directory)
    case .file(let file, let size): FileSource(file, count: size)
    }
  }
}

/// Which layer a tar file is. The file counts as the same as long as nothing of this has changed.
struct ArchiveRecord: Hashable, WireCodable {
  let path: String
  let device: UInt64
  let inode: UInt64
  let size: UInt64
  /// Nanoseconds since 1970. The time of change catches what sets the other one back.
  let modified: UInt64
  let changed: UInt64
  /// The key of the layer.
  var layer = ""

  init(of file: SharedDescriptor, path: String) throws(ImageError) {
    let status = try onDisk { () throws(SystemCallError) in try Files.status(file.borrowed) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw ImageError(.invalidArchive, "\(path) is not a file", hint: "name a tar file, or a directory")
    }
    self.path = path
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = UInt64(status.st_size)
    modified = Self.nanoseconds(status.st_mtim)
    changed = Self.nanoseconds(status.st_ctim)
  }

  private static func nanoseconds(_ time: timespec) -> UInt64 {
    UInt64(bitPattern: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
  }

  init(from reader: inout WireReader) throws(WireError) {
    path = try reader.value()
    device = try reader.value()
    inode = try reader.value()
    size = try reader.value()
    modified = try reader.value()
    changed = try reader.value()
    layer = try reader.value()
  }

  func write(to writer: inout WireWriter) {
    writer.value(path)
    writer.value(device)
    writer.value(inode)
    writer.value(size)
    writer.value(modified)
    writer.value(changed)
    writer.value(layer)
  }
}
