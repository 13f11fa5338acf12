import Glibc
import LinuxArchive
import LinuxSystem
import SystemPackage

/// Unpacks an image into a plain directory, without the store.
package enum ImageUnpacking {
  /// Makes `destination` the root file system of an image in an archive.
  ///
  /// The directory appears when it is complete, and not at all after an error. Needs root, for the owners of files.
  /// - Parameters:
  ///   - path: an OCI layout or docker archive, as `ImageStore.load` takes it.
  ///   - name: which image, when there is more than one.
  ///   - destination: must not exist, or be an empty directory.
  package static func unpack(_ path: String, image name: String?, to destination: String) throws(ImageError) {
    let (parent, last) = split(destination)
    let directory = try onDisk { () throws(SystemCallError) in
      try Files.makeDirectories(parent, mode: 0o755)
      return try Files.open(parent, O_RDONLY | O_DIRECTORY)
    }
    let temporary = ".\(last).\(getpid()).tmp"
    let place = "\(parent)/\(temporary)"
    try onDisk { () throws(SystemCallError) in _ = try Files.makeDirectory(place) }
    defer {
      // Best effort: the result is in place, or another error is on its way.
      try? Files.removeTree(RawName(temporary), in: directory.borrowed)
    }
    let archive = try ImageArchive(path, spool: place)
    try unpack(try archive.image(named: name), path, in: place)
    try onDisk { () throws(SystemCallError) in try Files.rename("\(place)/root", to: destination) }
  }

  private static func unpack(_ image: ArchivedImage, _ path: String, in place: String) throws(ImageError) {
    // All layers first, next to each other, then one on top of the other: a layer means the same whatever is below it.
    var roots: [SharedDescriptor] = []
    var unpacked: [UnpackedLayer] = []
    for layer in image.layers {
      let subject = "\(path): layer \(roots.count + 1) of \(image.layers.count)"
      let root = try onDisk { () throws(SystemCallError) in try Files.makeOpenDirectory("\(place)/\(roots.count)") }
      let start = unpacked.lastIndex { $0.hidesLower } ?? 0
      let result: UnpackedLayer
      do throws(ArchiveError) {
        result = try LayerUnpacking.unpack(
          layer.extent.source(), into: root.borrowed, over: Array(roots[start...]),
          limits: UnpackLimits.free(on: root.borrowed))
      } catch {
        throw layer.explain(error, subject)
      }
      try layer.verify(result, subject)
      roots.append(root)
      unpacked.append(result)
    }
    try onDisk { () throws(SystemCallError) in
      let target = try Files.makeOpenDirectory("\(place)/root")
      for (root, layer) in zip(roots, unpacked) {
        try Flattening.move(root.borrowed, onto: target.borrowed, hasMarks: layer.hasMarks)
      }
    }
  }

  private static func split(_ path: String) -> (parent: String, name: String) {
    var clean = path
    while clean.count > 1 && clean.hasSuffix("/") { clean.removeLast() }
    guard let slash = clean.lastIndex(of: "/") else { return (".", clean) }
    let parent = clean[..<slash]
    return (parent.isEmpty ? "/" : String(parent), String(clean[clean.index(after: slash)...]))
  }
}
