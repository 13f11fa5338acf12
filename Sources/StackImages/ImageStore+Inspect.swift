import LinuxArchive

/// All that is known of an image.
package struct ImageDetails: Sendable {
  package struct Layer: Sendable {
    package let diffID: String
    /// Bytes of the files in it.
    package let size: UInt64
    /// Where it is unpacked.
    package let directory: String
  }

  package let summary: ImageSummary
  /// Of the manifest that it came with.
  package let manifest: String?
  package let configuration: ImageConfiguration
  /// From the lowest up.
  package let layers: [Layer]

  /// As RFC 3339 has it; nil when the image does not say.
  package var created: String? { summary.created == 0 ? nil : Timestamp.text(summary.created) }
}

extension ImageStore {
  package func inspect(_ name: String) throws(ImageError) -> ImageDetails {
    let record = try find(name).record
    let names = try references().filter { $0.id == record.id }.map(\.reference.familiar)
    return ImageDetails(
      summary: ImageSummary(record, references: names.sorted()), manifest: record.manifest?.description,
      configuration: record.configuration,
      layers: record.layers.map { layer in
        ImageDetails.Layer(
          diffID: layer.diffID.description, size: layer.contentSize, directory: layout.layerRoot(layer.key))
      })
  }
}
