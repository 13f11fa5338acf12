import Glibc
import IsolationEngine
import LinuxSystem
import StackImages
import StackModel
import StackPlan
import StackStore

/// Whether the files that a service is given can belong to users of a user namespace of its own.
final class FileOwners {
  private let engine: Engine
  private let store: ImageStore
  private var probe: OwnerMappingProbe??
  private var mappable: [String: Bool] = [:]
  private var layers: [String: String?] = [:]

  init(engine: Engine) {
    self.engine = engine
    store = ImageStore(dataDirectory: engine.paths.data)
  }

  /// What is in the way; nil when all owners can be mapped.
  func hindrance(in prepared: PreparedService, _ range: UserMapping) throws(EngineError) -> String? {
    for layer in [engine.paths.baseLayer] + prepared.layers {
      if let reason = try hindrance(inLayer: layer, range) { return reason }
    }
    for mount in prepared.service.mounts {
      switch mount.source {
      case .bind(let path, _):
        if let reason = hindrance(inBind: path, range) { return reason }
      case .volume, .anonymousVolume:
        // Where there is no volume yet, it will be on the file system of the directory above.
        let path = Self.existing(engine.paths.volumes)
        if !canMap(path, recursive: false, range) { return Self.unmappable(path) }
      case .tmpfs(let options):
        if let owner = [options.uid, options.gid].compactMap({ $0 }).first(where: { $0 >= range.count }) {
          return "a tmpfs of user or group \(owner)"
        }
      }
    }
    for grant in (prepared.service.secrets ?? []) + (prepared.service.configs ?? []) {
      if let owner = [grant.uid, grant.gid].compactMap({ $0 }).first(where: { $0 >= range.count }) {
        return "\(grant.key) of user or group \(owner)"
      }
    }
    return nil
  }

  /// The path itself, or the nearest directory above it that is there.
  private static func existing(_ path: String) -> String {
    var path = path
    while path != "/", !path.isEmpty, !Files.exists(path) {
      let parent = path.split(separator: "/").dropLast().joined(separator: "/")
      path = "/\(parent)"
    }
    return path
  }

  private static func unmappable(_ path: String) -> String { "the file system of \(path) cannot map owners" }

  private func hindrance(inLayer path: String, _ range: UserMapping) throws(EngineError) -> String? {
    if let known = layers[path] { return known }
    let reason: String?
    if !canMap(path, recursive: false, range) {
      reason = Self.unmappable(path)
    } else {
      let highest = try engineStep("layer \(path)") { try store.highestOwner(ofLayer: path) }
      if let highest {
        reason = highest < range.count ? nil : "a file of the image that belongs to user or group \(highest)"
      } else {
        reason = strangers(in: path, range, caller: nil)
      }
    }
    layers[path] = .some(reason)
    return reason
  }

  private func hindrance(inBind path: String, _ range: UserMapping) -> String? {
    // Best effort: a directory that is still to be made is on the file system of the one above it.
    let path = Self.existing(path)
    guard let status = try? Files.status(path) else { return nil }
    // Who listens on a socket sees the number of whoever connects, and takes only root for root.
    if status.st_mode & S_IFMT == S_IFSOCK { return "the socket \(path)" }
    if ["/run", "/var/run"].contains(where: { path == $0 || path.hasPrefix("\($0)/") }) {
      return "\(path), where sockets of the machine are"
    }
    // Root of a container may not write where the owner has no number in it. The caller has: see `OwnerMap`.
    let caller = engine.caller.owner(of: path, asked: nil)
    if let reason = strangers(in: path, range, caller: caller) { return reason }
    return canMap(path, recursive: true, range) ? nil : Self.unmappable(path)
  }

  /// How many files of a directory are looked at.
  private static let looks = 1000

  /// What belongs to nobody of the range, and sockets, at a path and right below it.
  private func strangers(in path: String, _ range: UserMapping, caller: FileOwner?) -> String? {
    func isStrange(_ status: stat) -> Bool {
      let isStrangeUser = status.st_uid >= range.count && status.st_uid != caller?.uid
      return isStrangeUser || status.st_gid >= range.count && status.st_gid != caller?.gid
    }
    // Best effort: what cannot be looked at is refused elsewhere.
    guard let status = try? Files.status(path) else { return nil }
    if isStrange(status) { return "\(path), which belongs to user \(status.st_uid) and group \(status.st_gid)" }
    guard status.st_mode & S_IFMT == S_IFDIR, let directory = try? Files.open(path, O_RDONLY | O_DIRECTORY),
      let names = try? Files.names(in: ".", of: directory.borrowed, limit: Self.looks)
    else { return nil }
    for name in names {
      guard let status = try? Files.status(RawName(name), in: directory.borrowed) else { continue }
      if isStrange(status) {
        return "\(path)/\(name), which belongs to user \(status.st_uid) and group \(status.st_gid)"
      }
      if status.st_mode & S_IFMT == S_IFSOCK { return "the socket \(path)/\(name)" }
    }
    return nil
  }

  private func canMap(_ path: String, recursive: Bool, _ range: UserMapping) -> Bool {
    if let known = mappable[path] { return known }
    let probe = probe ?? OwnerMappingProbe(range)
    self.probe = .some(probe)
    let result = probe?.canMap(path, recursive: recursive) ?? false
    mappable[path] = result
    return result
  }
}
