import LinuxArchive
import LinuxSystem

/// Where the store keeps what.
///
/// ```
/// images/
///   references/<registry>/<repository…>/:<tag>   the id of an image
///   records/<digits of the id>                   what is needed to start a container
///   blobs/<digits>                               configurations and manifests, and layers that cannot be made from files
///   layers/<key>/{root,recipe,record}            a layer, unpacked
///   archives/<digits>                            which layer a tar file is, as long as the file stays as it is
///   temporary/                                   what is being made: whoever holds the lock may remove it
///   lock
/// ```
/// Whatever has its final name is complete: it got the name by a rename.
struct StoreLayout: Hashable, Sendable {
  let root: String

  init(dataDirectory: String) {
    root = "\(dataDirectory)/images"
  }

  var lock: String { "\(root)/lock" }
  var references: String { "\(root)/references" }
  var records: String { "\(root)/records" }
  var blobs: String { "\(root)/blobs" }
  var layers: String { "\(root)/layers" }
  var archives: String { "\(root)/archives" }
  var temporary: String { "\(root)/temporary" }

  var directories: [String] { [references, records, blobs, layers, archives, temporary] }

  func reference(_ reference: ImageReference, tag: String) -> String {
    "\(references)/\(reference.repository)/:\(tag)"
  }
  func record(_ id: Digest) -> String { "\(records)/\(id.hexadecimal)" }
  func blob(_ digest: Digest) -> String { "\(blobs)/\(digest.hexadecimal)" }
  func layer(_ key: String) -> String { "\(layers)/\(key)" }
  func layerRoot(_ key: String) -> String { "\(layers)/\(key)/root" }
  func layerRecipe(_ key: String) -> String { "\(layers)/\(key)/recipe" }
  func layerRecord(_ key: String) -> String { "\(layers)/\(key)/record" }
  /// The archive at an absolute path.
  func archive(path: String) -> String { "\(archives)/\(Digest(of: Array(path.utf8)).hexadecimal)" }
}
