import Glibc
import LinuxArchive
import LinuxSystem

/// The images of a machine.
///
/// Readers take no lock: a file of the store is complete or absent. Writers come one after the other.
package struct ImageStore: Sendable {
  let layout: StoreLayout

  init(layout: StoreLayout) {
    self.layout = layout
  }

  /// - Parameter dataDirectory: `/var/lib/stack`, or what `STACK_DATA_DIR` says. It need not exist yet.
  package init(dataDirectory: String) {
    layout = StoreLayout(dataDirectory: dataDirectory)
  }

  /// The image of a name, an id, or the beginning of an id.
  package func resolve(_ reference: String) throws(ImageError) -> Image {
    let found = try find(reference)
    let visible = found.record.layers[found.record.firstVisible...].map { layout.layerRoot($0.key) }
    if let missing = visible.first(where: { !Files.exists($0) }) {
      throw ImageError(
        .notFound, "image \(found.name): its layer \(missing) is gone", hint: "load or import the image again")
    }
    return Image(
      id: found.record.id.description, reference: found.name, layers: visible,
      configuration: found.record.configuration)
  }

  /// All images, those with names first, sorted by them.
  package func list() throws(ImageError) -> [ImageSummary] {
    var names: [Digest: [String]] = [:]
    for (reference, id) in try references() { names[id, default: []].append(reference.familiar) }
    let ids = try onDisk { () throws(SystemCallError) in try Files.namesIfPresent(in: layout.records) }
    var summaries: [ImageSummary] = []
    for id in ids.compactMap({ Digest(hexadecimal: $0) }) {
      guard let record = try readRecord(id) else { continue }
      summaries.append(ImageSummary(record, references: (names[id] ?? []).sorted()))
    }
    return summaries.sorted { left, right in
      switch (left.references.first, right.references.first) {
      case (let left?, let right?): left < right
      case (.some, nil): true
      case (nil, .some): false
      case (nil, nil): left.id < right.id
      }
    }
  }

  // MARK: Finding

  struct Found {
    /// As people write it.
    let name: String
    /// The name that led here; nil when it was an id.
    let reference: ImageReference?
    let record: ImageRecord
  }

  func find(_ text: String) throws(ImageError) -> Found {
    if text.hasPrefix("sha256:") {
      guard let found = try find(idPrefix: text.dropFirst("sha256:".count)) else { throw try notFound(text) }
      return found
    }
    let isIdentifier = text.utf8.count >= 4 && text.utf8.count <= 64 && text.utf8.allSatisfy(Digest.isDigit)
    // 64 digits can be nothing but an id.
    if isIdentifier && text.utf8.count == 64 {
      guard let found = try find(idPrefix: text[...]) else { throw try notFound(text) }
      return found
    }
    let reference = try ImageReference(text)
    if let found = try find(reference) { return found }
    if isIdentifier, let found = try find(idPrefix: text[...]) { return found }
    throw try notFound(reference.familiar)
  }

  private func find(_ reference: ImageReference) throws(ImageError) -> Found? {
    if let digest = reference.digest {
      for (other, id) in try references() where other.repository == reference.repository {
        guard let record = try readRecord(id), record.manifest == digest || id == digest else { continue }
        return Found(name: reference.familiar, reference: nil, record: record)
      }
      return nil
    }
    guard let id = try readReference(reference), let record = try readRecord(id) else { return nil }
    return Found(name: reference.familiar, reference: reference, record: record)
  }

  private func find(idPrefix prefix: Substring) throws(ImageError) -> Found? {
    if let id = Digest(hexadecimal: prefix) {
      guard let record = try readRecord(id) else { return nil }
      return Found(name: id.description, reference: nil, record: record)
    }
    let names = try onDisk { () throws(SystemCallError) in try Files.namesIfPresent(in: layout.records) }
    let matches = names.filter { $0.hasPrefix(prefix) }.compactMap { Digest(hexadecimal: $0) }
    guard prefix.utf8.count >= 4, let id = matches.first else { return nil }
    if matches.count > 1 {
      throw ImageError(.ambiguous, "\(matches.count) images have an id that begins with \(prefix)")
    }
    return try readRecord(id).map { Found(name: id.description, reference: nil, record: $0) }
  }

  private func notFound(_ name: String) throws(ImageError) -> ImageError {
    let known = try references().map(\.reference.familiar)
    let near = SimilarNames.near(name, among: known)
    var hint = "load it (stack image load -i FILE) or make it from a file system (stack image import NAME TAR)"
    if !near.isEmpty { hint = "there is: \(near.joined(separator: ", "))\n  " + hint }
    return ImageError(.notFound, "no image \"\(name)\"", hint: hint)
  }

  // MARK: Reading

  func readReference(_ reference: ImageReference) throws(ImageError) -> Digest? {
    guard let tag = reference.tag else { return nil }
    let path = layout.reference(reference, tag: tag)
    let bytes = try onDisk { () throws(SystemCallError) in try Files.readIfPresent(path, limit: 1024) }
    guard let bytes else { return nil }
    return Digest(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" })
  }

  func readRecord(_ id: Digest) throws(ImageError) -> ImageRecord? {
    let bytes = try onDisk { () throws(SystemCallError) in try Files.readIfPresent(layout.record(id)) }
    guard let bytes else { return nil }
    do throws(WireError) {
      return try ImageRecord(wireBytes: bytes)
    } catch {
      throw ImageError(.system, "\(layout.record(id)): \(error)", hint: "load or import the image again")
    }
  }

  /// All names with the images that they mean.
  func references() throws(ImageError) -> [(reference: ImageReference, id: Digest)] {
    var found: [(reference: ImageReference, id: Digest)] = []
    var pending = [""]
    while let directory = pending.popLast() {
      let path = directory.isEmpty ? layout.references : "\(layout.references)/\(directory)"
      for name in try onDisk({ () throws(SystemCallError) in try Files.namesIfPresent(in: path) }) {
        guard name.hasPrefix(":") else {
          pending.append(directory.isEmpty ? name : "\(directory)/\(name)")
          continue
        }
        let reference = ImageReference(repository: directory, tag: String(name.dropFirst()))
        if let id = try readReference(reference) { found.append((reference, id)) }
      }
    }
    return found.sorted { $0.reference.canonical < $1.reference.canonical }
  }
}

extension ImageSummary {
  init(_ record: ImageRecord, references: [String]) {
    self.init(
      id: record.id.description, references: references, size: record.size, created: record.created,
      layerCount: record.layers.count, architecture: record.configuration.architecture)
  }
}
