import LinuxArchive
import LinuxSystem

/// Images in files, as `docker save`, skopeo, umoci, podman and this program write them: an OCI layout or a docker archive,
/// as a directory or as a tar.
///
/// Nothing in it is believed: documents and layers must match their digests, sizes and numbers before anything is made of them.
struct ImageArchive {
  /// What the user called it.
  let path: String
  let images: [ArchivedImage]

  init(_ path: String, spool: String) throws(ImageError) {
    self.path = path
    let files = try ArchiveFiles(path, spool: spool)
    do throws(ImageError) {
      if try files.document("oci-layout") != nil {
        images = try OCILayout(files: files).images()
      } else if try files.document("manifest.json") != nil {
        images = try DockerArchive(files: files).images()
      } else {
        throw ImageError(
          .invalidArchive, "it is no image: it has neither oci-layout nor manifest.json",
          hint: "for the tar of a file system: stack image import NAME \(path)")
      }
    } catch {
      throw ImageError(error.kind, "\(path): \(error.message)", hint: error.hint)
    }
  }

  /// The only image, or the one of a name.
  func image(named name: String?) throws(ImageError) -> ArchivedImage {
    guard let name else {
      if let image = images.first, images.count == 1 { return image }
      let names = images.map { $0.references.first?.familiar ?? $0.id.description }.joined(separator: ", ")
      throw ImageError(.ambiguous, "\(path) has \(images.count) images: say which one: \(names)")
    }
    let reference = try ImageReference(name)
    for image in images where image.references.contains(reference) || image.tags.contains(name) { return image }
    throw ImageError(.notFound, "\(path) has no image \"\(name)\"")
  }
}

/// One image of an archive, with documents that were checked.
struct ArchivedImage {
  let id: Digest
  /// The configuration, byte for byte.
  let document: [UInt8]
  let configuration: ImageConfiguration
  /// Seconds since 1970; nil when the image does not say.
  let created: Int?
  /// The manifest that it came with, byte for byte; nil for a docker archive.
  let manifest: [UInt8]?
  var references: [ImageReference]
  /// Names that are no references in themselves: `org.opencontainers.image.ref.name` is often a tag alone.
  var tags: [String]
  /// From the lowest up.
  let layers: [ArchivedLayer]

  init(
    document: [UInt8], manifest: [UInt8]?, blobs: [(extent: ArchiveFiles.Extent, digest: Digest?)]
  ) throws(ImageError) {
    let parsed: ImageDocument = try JSONDocument.decode(document, "the configuration")
    let diffIDs = try parsed.diffIDs()
    guard diffIDs.count == blobs.count else {
      throw ImageError(
        .invalidArchive, "the configuration names \(diffIDs.count) layers, the manifest \(blobs.count)")
    }
    guard parsed.os == Platform.os else {
      throw ImageError(.invalidArchive, "the image is for \(parsed.os), not for \(Platform.os)")
    }
    id = Digest(of: document)
    self.document = document
    self.manifest = manifest
    configuration = try ImageConfiguration(parsed)
    created = parsed.created.flatMap(Timestamp.seconds)
    references = []
    tags = []
    layers = zip(diffIDs, blobs).map { ArchivedLayer(diffID: $0, extent: $1.extent, digest: $1.digest) }
  }
}

struct ArchivedLayer {
  /// Of the tar without compression.
  let diffID: Digest
  let extent: ArchiveFiles.Extent
  /// Of the blob; nil when nobody says.
  let digest: Digest?

  /// Nothing of a layer is used before this.
  func verify(_ unpacked: UnpackedLayer, _ subject: String) throws(ImageError) {
    if let digest, digest != unpacked.blob {
      throw ImageError(.digestMismatch(expected: digest, actual: unpacked.blob), subject)
    }
    if diffID != unpacked.diffID {
      throw ImageError(.digestMismatch(expected: diffID, actual: unpacked.diffID), subject)
    }
  }

  /// Why the layer could not be unpacked: most often because it is not what it should be, which helps more to know than
  /// what the first strange byte of it was taken for.
  func explain(_ error: ArchiveError, _ subject: String) -> ImageError {
    switch error {
    case .malformed, .entry, .limit:
      // Best effort: the error is at hand.
      if let digest, let actual = try? Spool.digest(of: extent.source()), actual != digest {
        return ImageError(.digestMismatch(expected: digest, actual: actual), subject)
      }
    case .digestMismatch, .sizeMismatch, .system, .entrySystem: break
    }
    return ImageError(error, subject)
  }
}

// MARK: OCI layout

/// An OCI image layout (image-layout.md).
private struct OCILayout {
  private static let nameAnnotations = ["io.containerd.image.name", "org.opencontainers.image.ref.name"]
  /// An index may lead to indexes; nobody needs more than two.
  private static let deepest = 4
  private static let mostImages = 1000

  let files: ArchiveFiles

  func images() throws(ImageError) -> [ArchivedImage] {
    guard let bytes = try files.document("index.json") else {
      throw ImageError(.invalidArchive, "index.json is missing")
    }
    let index: OCIManifest = try JSONDocument.decode(bytes, "index.json")
    guard case .index(let descriptors) = try index.kind(announced: MediaType.index) else {
      throw ImageError(.invalidArchive, "index.json is no index")
    }
    var images: [ArchivedImage] = []
    for descriptor in descriptors.prefix(Self.mostImages) where !isAttestation(descriptor) {
      guard var image = try image(descriptor, depth: 0) else { continue }
      for name in Self.nameAnnotations.compactMap({ descriptor.annotations?[$0] }) {
        // A tag alone names no image.
        if name.contains("/") || name.contains(":") {
          image.references.append(try ImageReference(name))
        } else {
          image.tags.append(name)
        }
      }
      if let known = images.firstIndex(where: { $0.id == image.id }) {
        images[known].references += image.references.filter { !images[known].references.contains($0) }
        images[known].tags += image.tags
      } else {
        images.append(image)
      }
    }
    return images
  }

  /// The image of a manifest, or of an index the one for this machine. nil for what is no image.
  private func image(_ descriptor: OCIDescriptor, depth: Int) throws(ImageError) -> ArchivedImage? {
    if depth > Self.deepest { throw ImageError(.invalidArchive, "indexes lie deeper than \(Self.deepest)") }
    let bytes = try document(descriptor, "manifest")
    let manifest: OCIManifest = try JSONDocument.decode(bytes, "a manifest")
    switch try manifest.kind(announced: descriptor.mediaType) {
    case .image(let config, let layers):
      return try image(manifest: bytes, config, layers)
    case .index(let variants):
      let candidates = variants.filter { !isAttestation($0) }
      let isWanted = { (variant: OCIDescriptor) in
        variant.platform.map { $0.os == Platform.os && $0.architecture == Platform.architecture } ?? true
      }
      guard let wanted = candidates.first(where: isWanted) else {
        let has = candidates.compactMap { $0.platform.map { "\($0.os)/\($0.architecture)" } }.joined(separator: ", ")
        throw ImageError(
          .invalidArchive, "the image is not for \(Platform.os)/\(Platform.architecture); it has: \(has)")
      }
      return try image(wanted, depth: depth + 1)
    }
  }

  private func image(
    manifest: [UInt8], _ config: OCIDescriptor, _ layers: [OCIDescriptor]
  ) throws(ImageError) -> ArchivedImage {
    var blobs: [(extent: ArchiveFiles.Extent, digest: Digest?)] = []
    for layer in layers {
      guard let type = layer.mediaType, MediaType.isLayer(type) else {
        throw ImageError(.invalidArchive, "a layer of the media type \(layer.mediaType ?? "(none)") is not supported")
      }
      let (extent, digest) = try blob(layer, "layer")
      blobs.append((extent, digest))
    }
    return try ArchivedImage(document: try document(config, "configuration"), manifest: manifest, blobs: blobs)
  }

  private func isAttestation(_ descriptor: OCIDescriptor) -> Bool {
    descriptor.annotations?["vnd.docker.reference.type"] == "attestation-manifest"
  }

  /// Where a blob lies. Its size was checked, its digest was not.
  private func blob(
    _ descriptor: OCIDescriptor, _ what: String
  ) throws(ImageError) -> (extent: ArchiveFiles.Extent, digest: Digest) {
    let (digest, size) = try descriptor.identity()
    guard let extent = try files.file("blobs/sha256/\(digest.hexadecimal)") else {
      throw ImageError(.invalidArchive, "the \(what) \(digest) is missing")
    }
    guard extent.size == size else {
      throw ImageError(.invalidArchive, "the \(what) \(digest) has \(extent.size) bytes, and should have \(size)")
    }
    return (extent, digest)
  }

  /// A document that matches its digest.
  private func document(_ descriptor: OCIDescriptor, _ what: String) throws(ImageError) -> [UInt8] {
    let digest = try blob(descriptor, what).digest
    guard let bytes = try files.document("blobs/sha256/\(digest.hexadecimal)"), Digest(of: bytes) == digest else {
      throw ImageError(.invalidArchive, "the \(what) \(digest) does not match its digest")
    }
    return bytes
  }
}

// MARK: Docker archive

/// What `docker save` wrote before it wrote OCI layouts, and skopeo and podman still do.
private struct DockerArchive {
  let files: ArchiveFiles

  func images() throws(ImageError) -> [ArchivedImage] {
    guard let bytes = try files.document("manifest.json") else { return [] }
    let entries: [DockerArchiveEntry] = try JSONDocument.decode(bytes, "manifest.json")
    var images: [ArchivedImage] = []
    for entry in entries {
      guard let document = try files.document(entry.config) else {
        throw ImageError(.invalidArchive, "the configuration \(entry.config) is missing")
      }
      var blobs: [(extent: ArchiveFiles.Extent, digest: Digest?)] = []
      for path in entry.layers {
        guard let extent = try files.file(path) else {
          throw ImageError(.invalidArchive, "the layer \(path) is missing")
        }
        blobs.append((extent, nil))
      }
      var image = try ArchivedImage(document: document, manifest: nil, blobs: blobs)
      // The file is named by its digest.
      let name = entry.config.split(separator: "/").last?.prefix { $0 != "." }
      if let name, let digest = Digest(hexadecimal: name), digest != image.id {
        throw ImageError(.invalidArchive, "the configuration \(entry.config) does not match its digest")
      }
      for tag in entry.repoTags ?? [] { image.references.append(try ImageReference(tag)) }
      images.append(image)
    }
    return images
  }
}
