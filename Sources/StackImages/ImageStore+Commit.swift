import Glibc
import LinuxArchive
import LinuxSystem
import SystemPackage

/// What becomes of an image and of what a container of it has changed.
package struct ImageCommit {
  /// The id of the image.
  package let base: String
  /// The writable layer, in the form of overlayfs.
  package let upper: SharedDescriptor
  /// The host's number of the container's root.
  package let ownerOffset: UInt32
  package var author: String?
  package var comment: String?
  package var instructions: [ImageInstruction] = []

  package init(base: String, upper: SharedDescriptor, ownerOffset: UInt32) {
    self.base = base
    self.upper = upper
    self.ownerOffset = ownerOffset
  }
}

extension ImageStore {
  /// Makes an image of another one and a layer above it.
  /// - Parameter name: what it is called; nil is by its id alone.
  package func commit(_ commit: ImageCommit, as name: String?) throws(ImageError) -> ImageSummary {
    let references = try name.map { name throws(ImageError) in [try ImageReference(name)] } ?? []
    let base = try find(commit.base).record
    let writing = try StoreWriting(layout)
    let layer = try writing.layer("the container's changes", expected: nil, below: base.layers) {
      () throws(ArchiveError) in try TreeSource(upper: commit.upper, ownerOffset: commit.ownerOffset)
    }
    let bytes = try onDisk { () throws(SystemCallError) in try Files.readAll(layout.blob(base.id)) }
    var document: ImageDocument = try JSONDocument.decode(bytes, "the configuration of \(commit.base)")
    let now = Int(KernelClock.realtime / 1_000_000_000)
    document.created = Timestamp.text(now)
    document.author = commit.author ?? document.author
    document.rootfs.diffIDs.append(layer.diffID.description)
    document.history =
      (document.history ?? []) + [
        .init(created: Timestamp.text(now), createdBy: "stack commit", comment: commit.comment)
      ]
    var runtime = document.config ?? ImageDocument.Runtime()
    for instruction in commit.instructions { instruction.apply(to: &runtime) }
    document.config = runtime
    let changed = try JSONDocument.encode(document)
    let record = ImageRecord(
      id: Digest(of: changed), created: now, layers: base.layers + [layer], manifest: nil,
      configuration: try ImageConfiguration(document))
    return try writing.add(record, document: changed, manifest: nil, as: references)
  }
}
