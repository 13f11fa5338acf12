import FoundationEssentials
import LinuxArchive

/// A reference from one document to another or to a layer (OCI image specification, descriptor.md).
///
/// `urls` is not read: a layer comes from where its image comes from, or not at all.
struct OCIDescriptor: Codable {
  struct Platform: Codable {
    var architecture: String
    var os: String
    var variant: String?
  }

  var mediaType: String?
  var digest: String
  var size: Int64
  var annotations: [String: String]?
  var platform: Platform?

  /// The digest and size, when both can be believed.
  func identity() throws(ImageError) -> (digest: Digest, size: UInt64) {
    guard let parsed = Digest(digest) else {
      throw ImageError(.invalidArchive, "\"\(digest.prefix(100))\" is not a digest: only sha256 and 64 digits are")
    }
    guard size >= 0 else { throw ImageError(.invalidArchive, "\(parsed) has the size \(size)") }
    return (parsed, UInt64(size))
  }
}

/// A manifest or an index: which of both is told by what is in it, and must be told by one thing only.
struct OCIManifest: Codable {
  var schemaVersion: Int
  var mediaType: String?
  var config: OCIDescriptor?
  var layers: [OCIDescriptor]?
  var manifests: [OCIDescriptor]?

  enum Kind {
    case image(config: OCIDescriptor, layers: [OCIDescriptor])
    case index([OCIDescriptor])
  }

  /// - Parameter announced: the media type by which another document refers to this one.
  func kind(announced: String?) throws(ImageError) -> Kind {
    if schemaVersion != 2 {
      throw ImageError(.invalidArchive, "manifests of schema version \(schemaVersion) are not supported")
    }
    if let mediaType, let announced, mediaType != announced {
      throw ImageError(.invalidArchive, "a manifest says that it is \(mediaType), and was announced as \(announced)")
    }
    let type = mediaType ?? announced
    switch (config, layers, manifests) {
    case (let config?, let layers?, nil):
      if let type, !MediaType.manifests.contains(type) { throw Self.unknown(type) }
      return .image(config: config, layers: layers)
    case (nil, nil, let manifests?):
      if let type, !MediaType.indexes.contains(type) { throw Self.unknown(type) }
      return .index(manifests)
    case (_, _, .some): throw ImageError(.invalidArchive, "a manifest that is an index as well")
    case (_, _, nil): throw ImageError(.invalidArchive, "a manifest without a configuration or without layers")
    }
  }

  private static func unknown(_ type: String) -> ImageError {
    ImageError(.invalidArchive, "a manifest cannot have the media type \(type)")
  }
}

enum MediaType {
  static let manifest = "application/vnd.oci.image.manifest.v1+json"
  static let index = "application/vnd.oci.image.index.v1+json"
  static let configuration = "application/vnd.oci.image.config.v1+json"
  static let layer = "application/vnd.oci.image.layer.v1.tar"

  static let manifests: Set<String> = [manifest, "application/vnd.docker.distribution.manifest.v2+json"]
  static let indexes: Set<String> = [index, "application/vnd.docker.distribution.manifest.list.v2+json"]
  private static let layerBases: Set<String> = [
    layer, "application/vnd.oci.image.layer.nondistributable.v1.tar", "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
  ]

  /// Whether a layer of this type is a tar, perhaps with a compression that is known.
  static func isLayer(_ type: String) -> Bool {
    for suffix in ["", "+gzip", "+zstd", ".gzip", ".zstd"] where type.hasSuffix(suffix) {
      if layerBases.contains(String(type.dropLast(suffix.count))) { return true }
    }
    return false
  }
}

/// The entries of `manifest.json` in an archive that `docker save` made.
struct DockerArchiveEntry: Codable {
  var config: String
  var repoTags: [String]?
  var layers: [String]

  enum CodingKeys: String, CodingKey {
    case config = "Config"
    case repoTags = "RepoTags"
    case layers = "Layers"
  }
}

/// The configuration of an image (config.md), as far as it is used. What else is in it stays in the document.
struct ImageDocument: Codable {
  struct Runtime: Codable {
    struct Nothing: Codable {}
    struct Healthcheck: Codable {
      var test: [String]?
      var interval: Int64?
      var timeout: Int64?
      var startPeriod: Int64?
      var startInterval: Int64?
      var retries: Int?

      enum CodingKeys: String, CodingKey {
        case test = "Test"
        case interval = "Interval"
        case timeout = "Timeout"
        case startPeriod = "StartPeriod"
        case startInterval = "StartInterval"
        case retries = "Retries"
      }
    }

    var user: String?
    var env: [String]?
    var entrypoint: [String]?
    var cmd: [String]?
    var workingDirectory: String?
    var exposedPorts: [String: Nothing]?
    var volumes: [String: Nothing]?
    var labels: [String: String]?
    var stopSignal: String?
    var healthcheck: Healthcheck?

    enum CodingKeys: String, CodingKey {
      case user = "User"
      case env = "Env"
      case entrypoint = "Entrypoint"
      case cmd = "Cmd"
      case workingDirectory = "WorkingDir"
      case exposedPorts = "ExposedPorts"
      case volumes = "Volumes"
      case labels = "Labels"
      case stopSignal = "StopSignal"
      case healthcheck = "Healthcheck"
    }
  }

  struct RootFileSystem: Codable {
    var type: String
    var diffIDs: [String]

    enum CodingKeys: String, CodingKey {
      case type
      case diffIDs = "diff_ids"
    }
  }

  struct HistoryEntry: Codable {
    var created: String?
    var createdBy: String?
    var comment: String?
    var isEmptyLayer: Bool?

    enum CodingKeys: String, CodingKey {
      case created
      case createdBy = "created_by"
      case comment
      case isEmptyLayer = "empty_layer"
    }
  }

  var created: String?
  var architecture: String
  var os: String
  var config: Runtime?
  var rootfs: RootFileSystem
  var history: [HistoryEntry]?
  var author: String?

  /// The digests of the layers without compression, from the lowest up.
  func diffIDs() throws(ImageError) -> [Digest] {
    guard rootfs.type == "layers" else {
      throw ImageError(.invalidArchive, "a root file system of type \"\(rootfs.type.prefix(100))\"")
    }
    var digests: [Digest] = []
    for text in rootfs.diffIDs {
      guard let digest = Digest(text) else {
        throw ImageError(.invalidArchive, "\"\(text.prefix(100))\" is not a digest: only sha256 and 64 digits are")
      }
      digests.append(digest)
    }
    return digests
  }
}

enum JSONDocument {
  /// The largest document that is read: registries refuse manifests beyond 4 MiB.
  static let largest = 8 << 20

  static func decode<Value: Decodable>(
    _ bytes: [UInt8], _ subject: String
  ) throws(ImageError) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw ImageError(.invalidArchive, "\(subject) is not what it should be: \(reason(error))")
    } catch {
      throw ImageError(.invalidArchive, "\(subject) is not JSON")
    }
  }

  static func encode(_ value: some Encodable) throws(ImageError) -> [UInt8] {
    do {
      let encoder = JSONEncoder()
      // Sorted, so that equal documents have equal digests.
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return Array(try encoder.encode(value))
    } catch {
      throw ImageError(.system, "a document cannot be written: \(error)")
    }
  }

  private static func reason(_ error: DecodingError) -> String {
    func path(_ context: DecodingError.Context) -> String {
      context.codingPath.map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      let parent = path(context)
      return "\(parent.isEmpty ? "" : parent + ".")\(key.stringValue) is missing"
    case .typeMismatch(_, let context): return "\(path(context)) is of another type"
    case .valueNotFound(_, let context): return "\(path(context)) is null"
    case .dataCorrupted: return "it is not JSON"
    @unknown default: return "it cannot be read"
    }
  }
}
