import LinuxArchive
import LinuxSystem

/// An image of the store, as a container is made from it.
package struct Image: Sendable, Hashable {
  /// `sha256:` and the digest of its configuration document.
  package let id: String
  /// The name it was asked for by, as people write it; its id when it was asked for by that.
  package let reference: String
  /// Absolute paths of directories, for overlayfs, from the lowest up.
  package let layers: [String]
  package let configuration: ImageConfiguration
}

/// An image in a list.
package struct ImageSummary: Sendable, Hashable {
  package let id: String
  /// As people write them, sorted; empty for an image without a name.
  package let references: [String]
  /// Bytes of the files of its layers, which other images may share.
  package let size: UInt64
  /// Seconds since 1970; 0 when the image does not say.
  package let created: Int
  package let layerCount: Int
  package let architecture: String
}

/// What the store remembers of an image, beside the documents of the image itself.
struct ImageRecord: Hashable, Sendable, WireCodable {
  private static let version: UInt16 = 1

  var id: Digest
  var created: Int
  /// From the lowest up, including those that are hidden.
  var layers: [LayerRecord]
  /// Layers below this index are hidden by one above.
  var firstVisible: Int
  /// Of the manifest that it came with.
  var manifest: Digest?
  var configuration: ImageConfiguration

  init(
    id: Digest, created: Int, layers: [LayerRecord], manifest: Digest?, configuration: ImageConfiguration
  ) {
    self.id = id
    self.created = created
    self.layers = layers
    firstVisible = layers.lastIndex { $0.hidesLower } ?? 0
    self.manifest = manifest
    self.configuration = configuration
  }

  init(from reader: inout WireReader) throws(WireError) {
    guard try reader.integer(UInt16.self) == Self.version else { throw reader.error("version \(Self.version)") }
    id = try reader.digest()
    created = try reader.value()
    layers = try reader.value()
    firstVisible = try reader.value()
    manifest = try reader.value(Bool.self) ? reader.digest() : nil
    configuration = try reader.value()
    guard layers.isEmpty && firstVisible == 0 || layers.indices.contains(firstVisible) else {
      throw reader.error("the index of a layer")
    }
  }

  func write(to writer: inout WireWriter) {
    writer.integer(Self.version)
    writer.value(id.description)
    writer.value(created)
    writer.value(layers)
    writer.value(firstVisible)
    writer.value(manifest != nil)
    if let manifest { writer.value(manifest.description) }
    writer.value(configuration)
  }

  var size: UInt64 { layers.reduce(0) { $0 + $1.contentSize } }
}

/// What the store remembers of a layer.
struct LayerRecord: Hashable, Sendable, WireCodable {
  /// The name of its directory: of its own digest, or, when it is of use above certain layers only, of the whole chain.
  var key: String
  var diffID: Digest
  /// Of the tar without compression.
  var tarSize: UInt64
  var contentSize: UInt64
  var newest: Int
  var hidesLower: Bool
  /// The blob that is kept because the tar cannot be made from the files, and its size.
  var blob: Digest?
  var blobSize: UInt64

  init(_ unpacked: UnpackedLayer, key: String) {
    self.key = key
    diffID = unpacked.diffID
    tarSize = unpacked.tarSize
    contentSize = unpacked.contentSize
    newest = Int(unpacked.newest)
    hidesLower = unpacked.hidesLower
    blob = unpacked.hasRecipe ? nil : unpacked.blob
    blobSize = unpacked.blobSize
  }

  init(from reader: inout WireReader) throws(WireError) {
    key = try reader.value()
    diffID = try reader.digest()
    tarSize = try reader.value()
    contentSize = try reader.value()
    newest = try reader.value()
    hidesLower = try reader.value()
    blob = try reader.value(Bool.self) ? reader.digest() : nil
    blobSize = try reader.value()
  }

  func write(to writer: inout WireWriter) {
    writer.value(key)
    writer.value(diffID.description)
    writer.value(tarSize)
    writer.value(contentSize)
    writer.value(newest)
    writer.value(hidesLower)
    writer.value(blob != nil)
    if let blob { writer.value(blob.description) }
    writer.value(blobSize)
  }
}

extension WireReader {
  mutating func digest() throws(WireError) -> Digest {
    guard let digest = Digest(try value(String.self)) else { throw error("a digest") }
    return digest
  }
}
