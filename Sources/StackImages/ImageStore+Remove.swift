import LinuxArchive
import LinuxSystem

/// What stacks use, and must keep.
package struct ImageUse: Sendable {
  /// For each id of an image, who uses it: names for messages.
  package var images: [String: [String]]
  /// Paths of layers that containers use without an image.
  package var layers: Set<String>

  package init(images: [String: [String]] = [:], layers: Set<String> = []) {
    self.images = images
    self.layers = layers
  }
}

/// What a removal did.
package enum RemovalEvent: Hashable, Sendable {
  case untagged(String)
  case deleted(id: String)
}

extension ImageStore {
  /// Gives an image one more name.
  package func tag(_ image: String, as name: String) throws(ImageError) {
    let reference = try ImageReference(name)
    let writing = try StoreWriting(layout)
    try writing.publish(reference, of: try find(image).record.id)
  }

  /// Removes a name, and the image with its last name; or an image of an id, with all its names.
  ///
  /// Layers that no other image has go with it.
  /// - Parameters:
  ///   - isForced: also an image of an id that has several names.
  ///   - use: images in use are not removed, forced or not.
  package func remove(
    _ name: String, isForced: Bool = false, use: ImageUse = ImageUse()
  ) throws(ImageError) -> [RemovalEvent] {
    let writing = try StoreWriting(layout)
    let found = try find(name)
    let id = found.record.id
    let all = try references().filter { $0.id == id }.map(\.reference)
    let removed = found.reference.map { [$0] } ?? all
    if found.reference == nil && all.count > 1 && !isForced {
      throw ImageError(
        .inUse, "image \(name) has \(all.count) names: \(all.map(\.familiar).joined(separator: ", "))",
        hint: "remove them one by one, or all with --force")
    }
    let isLast = removed.count == all.count
    if isLast, let users = use.images[id.description] {
      throw ImageError(
        .inUse, "image \(name) is used by \(users.sorted().joined(separator: ", "))", hint: "take the stack down first")
    }
    var events: [RemovalEvent] = []
    for reference in removed {
      if let tag = reference.tag {
        try onDisk { () throws(SystemCallError) in try Files.removeFile(layout.reference(reference, tag: tag)) }
      }
      events.append(.untagged(reference.familiar))
    }
    if isLast {
      try onDisk { () throws(SystemCallError) in try Files.removeFile(layout.record(id)) }
      events.append(.deleted(id: id.description))
      try removeUnused(writing, use: use)
    }
    return events
  }

  /// Removes layers and documents that no image, no remembered archive and no container needs.
  private func removeUnused(_ writing: borrowing StoreWriting, use: ImageUse) throws(ImageError) {
    var layers: Set<String> = []
    var blobs: Set<String> = []
    for name in try names(in: layout.records) {
      guard let id = Digest(hexadecimal: name), let record = try readRecord(id) else { continue }
      layers.formUnion(record.layers.map(\.key))
      blobs.formUnion(([id] + [record.manifest].compactMap { $0 }).map(\.hexadecimal))
      blobs.formUnion(record.layers.compactMap { $0.blob?.hexadecimal })
    }
    for name in try names(in: layout.archives) {
      let path = "\(layout.archives)/\(name)"
      if let archive = try readArchive(path), Files.exists(archive.path) {
        layers.insert(archive.layer)
      } else {
        try onDisk { () throws(SystemCallError) in try Files.removeFile(path) }
      }
    }
    for key in try names(in: layout.layers)
    where !layers.contains(key) && !use.layers.contains(layout.layerRoot(key)) {
      try writing.removeLayer(key)
    }
    for name in try names(in: layout.blobs) where !blobs.contains(name) {
      try onDisk { () throws(SystemCallError) in try Files.removeFile("\(layout.blobs)/\(name)") }
    }
  }

  private func names(in directory: String) throws(ImageError) -> [String] {
    try onDisk { () throws(SystemCallError) in try Files.namesIfPresent(in: directory) }
  }
}
