import Glibc
import LinuxArchive
import LinuxSystem
import SystemPackage

extension ImageStore {
  /// Writes images as a tar that is an OCI layout and a docker archive at once. Layers are not compressed, and are byte for
  /// byte what they were, so that ids stay the same.
  ///
  /// - Parameter output: gets the tar, which is the same every time. After an error, what was written is no archive.
  package func save(_ names: [String], to output: FileDescriptor) throws(ImageError) {
    var found: [Found] = []
    for name in names { found.append(try find(name)) }
    var images: [SavedImage] = []
    for item in found {
      let reference = item.reference
      if let known = images.firstIndex(where: { $0.record.id == item.record.id }) {
        images[known].references += [reference].compactMap { $0 }
      } else {
        images.append(try SavedImage(item.record, references: [reference].compactMap { $0 }, layout: layout))
      }
    }
    try write(images, to: output)
  }

  private func write(_ images: [SavedImage], to output: FileDescriptor) throws(ImageError) {
    let index = try JSONDocument.encode(
      OCIManifest(schemaVersion: 2, mediaType: MediaType.index, manifests: images.flatMap(\.indexEntries)))
    let manifest = try JSONDocument.encode(images.map(\.dockerEntry))
    try archiving("the archive") { () throws(ArchiveError) in
      let writer = try TarWriter(to: output)
      try writer.add(file: "oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
      try writer.add(directory: "blobs/")
      try writer.add(directory: "blobs/sha256/")
      var written: Set<Digest> = []
      for image in images {
        for document in [image.document, image.manifest] where written.insert(Digest(of: document)).inserted {
          try writer.add(file: SavedImage.path(of: Digest(of: document)), document)
        }
        for layer in image.layers where written.insert(layer.digest).inserted {
          let source = try layer.source(layout)
          try writer.add(file: SavedImage.path(of: layer.digest), from: source, size: layer.size, digest: layer.digest)
        }
      }
      try writer.add(file: "index.json", index)
      try writer.add(file: "manifest.json", manifest)
      try writer.finish()
    }
  }
}

/// An image with the documents that an archive of it has.
private struct SavedImage {
  let record: ImageRecord
  var references: [ImageReference]
  let document: [UInt8]
  let manifest: [UInt8]
  let layers: [SavedLayer]

  init(_ record: ImageRecord, references: [ImageReference], layout: StoreLayout) throws(ImageError) {
    self.record = record
    self.references = references
    document = try onDisk { () throws(SystemCallError) in try Files.readAll(layout.blob(record.id)) }
    var layers: [SavedLayer] = []
    for layer in record.layers { layers.append(try SavedLayer(layer, layout)) }
    self.layers = layers
    manifest = try JSONDocument.encode(
      OCIManifest(
        schemaVersion: 2, mediaType: MediaType.manifest,
        config: OCIDescriptor(
          mediaType: MediaType.configuration, digest: record.id.description, size: Int64(document.count)),
        layers: layers.map {
          OCIDescriptor(mediaType: $0.mediaType, digest: $0.digest.description, size: Int64($0.size))
        }))
  }

  static func path(of digest: Digest) -> String { "blobs/sha256/\(digest.hexadecimal)" }

  /// One for each name, as docker and containerd write and read them.
  var indexEntries: [OCIDescriptor] {
    let plain = OCIDescriptor(
      mediaType: MediaType.manifest, digest: Digest(of: manifest).description, size: Int64(manifest.count),
      platform: .init(architecture: record.configuration.architecture, os: record.configuration.os))
    if references.isEmpty { return [plain] }
    return references.map { reference in
      var entry = plain
      entry.annotations = [
        "io.containerd.image.name": reference.canonical,
        "org.opencontainers.image.ref.name": reference.tag ?? reference.familiar,
      ]
      return entry
    }
  }

  var dockerEntry: DockerArchiveEntry {
    DockerArchiveEntry(
      config: Self.path(of: record.id), repoTags: references.map(\.familiar),
      layers: layers.map { Self.path(of: $0.digest) })
  }
}

private struct SavedLayer {
  let record: LayerRecord
  let digest: Digest
  let size: UInt64
  let mediaType: String

  init(_ record: LayerRecord, _ layout: StoreLayout) throws(ImageError) {
    self.record = record
    digest = record.blob ?? record.diffID
    size = record.blob == nil ? record.tarSize : record.blobSize
    guard let blob = record.blob, blob != record.diffID else {
      mediaType = MediaType.layer
      return
    }
    let start = try onDisk { () throws(SystemCallError) in
      let file = try Files.open(layout.blob(blob))
      return try Files.readOnce(file.borrowed, limit: 2)
    }
    mediaType = MediaType.layer + (start == [0x1f, 0x8b] ? "+gzip" : "+zstd")
  }

  func source(_ layout: StoreLayout) throws(ArchiveError) -> any ByteSource {
    func open(_ path: String, _ flags: CInt = O_RDONLY) throws(ArchiveError) -> SharedDescriptor {
      do throws(SystemCallError) { return SharedDescriptor(try Files.open(path, flags)) } catch { throw .system(error) }
    }
    if let blob = record.blob { return FileSource(try open(layout.blob(blob)), count: record.blobSize) }
    return try RecipeSource(
      recipe: open(layout.layerRecipe(record.key)), root: open(layout.layerRoot(record.key), O_RDONLY | O_DIRECTORY))
  }
}
