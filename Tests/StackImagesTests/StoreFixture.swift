import Glibc
import LinuxArchive
import LinuxSystem
import StackImages
import TestSupport

/// A store in a directory of its own, and files to fill it from.
final class StoreFixture {
  let directory: TemporaryDirectory
  let store: ImageStore

  init() throws {
    directory = try TemporaryDirectory()
    store = ImageStore(dataDirectory: directory("data"))
  }

  var images: String { directory("data/images") }

  func names(in part: String) throws -> [String] { try Files.namesIfPresent(in: "\(images)/\(part)") }

  /// Writes a tar and returns its path.
  func tar(_ name: String = "fs.tar", _ build: (inout TarBuilder) -> Void) throws -> String {
    var tar = TarBuilder()
    build(&tar)
    return try directory.write(tar.finished, to: name)
  }
}

/// An image as an archive, made by hand; every part of it can be made wrong.
struct ArchiveDraft {
  var layers: [[UInt8]]
  var configuration = #"{"Env":["A=1"],"Cmd":["sh"]}"#
  var os = "linux"
  var layerType = "application/vnd.oci.image.layer.v1.tar"
  /// What the configuration says.
  var diffIDs: [String]
  /// What the manifest says.
  var digests: [String]
  var sizes: [Int]
  var manifestExtra = ""
  var names = ["example:1"]

  init(_ builds: ((inout TarBuilder) -> Void)...) {
    layers = builds.map { build in
      var tar = TarBuilder()
      build(&tar)
      return tar.finished
    }
    diffIDs = layers.map { Digest(of: $0).description }
    digests = diffIDs
    sizes = layers.map(\.count)
  }

  /// One layer with one file.
  init() {
    self.init { $0.file("f", "content") }
  }

  var document: String {
    let ids = diffIDs.map { "\"\($0)\"" }.joined(separator: ",")
    return """
      {"architecture":"amd64","os":"\(os)","created":"2020-02-03T04:05:06.789Z","config":\(configuration),\
      "rootfs":{"type":"layers","diff_ids":[\(ids)]}}
      """
  }

  var manifest: String {
    let layers = zip(digests, sizes).map {
      #"{"mediaType":"\#(layerType)","digest":"\#($0)","size":\#($1),"urls":["http://127.0.0.1:1/layer"]}"#
    }
    return """
      {"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",\(manifestExtra)\
      "config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"\(Digest(of: Array(document.utf8)))",\
      "size":\(document.utf8.count)},"layers":[\(layers.joined(separator: ","))]}
      """
  }

  var id: String { Digest(of: Array(document.utf8)).description }

  private func blob(_ digest: String) -> String { "blobs/sha256/\(digest.dropFirst("sha256:".count))" }

  /// The files of an OCI layout.
  var layout: [(name: String, content: [UInt8])] {
    let manifest = Array(manifest.utf8)
    let entries = names.map { name in
      #"""
      {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"\#(Digest(of: manifest))",\#
      "size":\#(manifest.count),"annotations":{"org.opencontainers.image.ref.name":"\#(name)"}}
      """#
    }
    var files = [
      ("oci-layout", Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8)),
      ("index.json", Array(#"{"schemaVersion":2,"manifests":[\#(entries.joined(separator: ","))]}"#.utf8)),
      (blob(Digest(of: manifest).description), manifest), (blob(id), Array(document.utf8)),
    ]
    for (digest, layer) in zip(digests, layers) where Digest(digest) != nil { files.append((blob(digest), layer)) }
    return files
  }

  /// The files of a docker archive, whose second layer of equal content is a link, as docker once wrote it.
  var dockerArchive: [UInt8] {
    var tar = TarBuilder()
    var paths: [String] = []
    for (index, layer) in layers.enumerated() {
      let path = "\(index)/layer.tar"
      if let earlier = layers[..<index].firstIndex(of: layer) {
        tar.link(path, to: "../\(earlier)/layer.tar")
      } else {
        tar.file(Array(path.utf8), content: layer)
      }
      paths.append("\"\(path)\"")
    }
    let config = "\(id.dropFirst("sha256:".count)).json"
    tar.file(config, document)
    let tags = names.map { "\"\($0)\"" }.joined(separator: ",")
    tar.file(
      "manifest.json", #"[{"Config":"\#(config)","RepoTags":[\#(tags)],"Layers":[\#(paths.joined(separator: ","))]}]"#)
    return tar.finished
  }

  func write(layoutTo directory: String) throws {
    try Files.makeDirectories("\(directory)/blobs/sha256")
    for (name, content) in layout { try Files.replace("\(directory)/\(name)", with: content) }
  }

  var layoutTar: [UInt8] {
    var tar = TarBuilder()
    for (name, content) in layout { tar.file(Array(name.utf8), content: content) }
    return tar.finished
  }
}
