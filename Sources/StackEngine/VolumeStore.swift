import IsolationEngine
import LinuxSystem
import StackStore
import SystemPackage

/// Named volumes, and those that belong to one container: directories that outlive the containers.
///
/// ```
/// volumes/NAME/data      what containers see
/// volumes/NAME/owner     the project that made it, and whether it is anonymous
/// ```
struct VolumeStore {
  let directory: String

  private func path(_ name: String) -> String { "\(directory)/\(name)" }

  /// The name of the volume whose directory this is; nil when it is another's.
  func volume(at path: String) -> String? {
    guard path.hasPrefix("\(directory)/"), path.hasSuffix("/data") else { return nil }
    let name = path.dropFirst(directory.count + 1).dropLast("/data".count)
    return name.isEmpty || name.contains("/") ? nil : String(name)
  }

  /// The directory of a volume that exists.
  func existing(_ name: String) -> String? {
    Files.exists("\(path(name))/data") ? "\(path(name))/data" : nil
  }

  /// The directory of a volume, which is made when it does not exist.
  /// - Returns: the directory, and whether it is new.
  func make(_ name: String, project: String, isAnonymous: Bool) throws(SystemCallError) -> (path: String, isNew: Bool) {
    if let existing = existing(name) { return (existing, false) }
    // It appears as a whole: a volume without an owner would never be removed.
    let new = unfinished(of: project)
    try Files.removeTree(new)
    try Files.makeDirectories(new)
    let owner = "\(project)\n\(isAnonymous ? "anonymous" : "named")\n"
    try Files.replace("\(new)/owner", with: Array(owner.utf8))
    try Files.makeDirectory("\(new)/data", mode: 0o755)
    try Files.rename(new, to: path(name))
    return ("\(path(name))/data", true)
  }

  /// Where a volume is made and where it ends; the project's lock keeps others away. No volume has such a name.
  private func unfinished(of project: String) -> String { path(".\(project)") }

  /// All volumes of a project with their kinds.
  func volumes(of project: String) throws(SystemCallError) -> [(name: String, isAnonymous: Bool)] {
    var volumes: [(name: String, isAnonymous: Bool)] = []
    for name in try Files.namesIfPresent(in: directory) where !name.hasPrefix(".") {
      guard let bytes = try Files.readIfPresent("\(path(name))/owner") else { continue }
      let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      if lines.first == project[...] { volumes.append((name, lines.last == "anonymous")) }
    }
    return volumes
  }

  func removeNamed(of project: String) throws(SystemCallError) -> [String] {
    let names = try volumes(of: project).filter { !$0.isAnonymous }.map(\.name)
    for name in names { try remove(name, of: project) }
    return names
  }

  /// Removes the project's anonymous volumes, and what was being made or removed when an operation was killed.
  func removeAnonymous(of project: String) throws(SystemCallError) {
    try Files.removeTree(unfinished(of: project))
    for volume in try volumes(of: project) where volume.isAnonymous { try remove(volume.name, of: project) }
  }

  func remove(_ name: String, of project: String) throws(SystemCallError) {
    // It vanishes as a whole, and what is then left of it has a name that derives from the project's.
    let old = unfinished(of: project)
    try Files.removeTree(old)
    do throws(SystemCallError) {
      try Files.rename(path(name), to: old)
    } catch  where error.errno == .noSuchFileOrDirectory {
      return
    }
    try Files.removeTree(old)
  }
}

/// What a container has of the machine's files.
package struct HostMount: Hashable, Sendable {
  package let path: String
  /// The name of the volume that it is; nil is a bind mount.
  package let volume: String?

  /// What users call it.
  package var name: String { volume ?? path }
}

/// A volume as `stack volumes` lists it.
package struct VolumeDescription: Hashable, Sendable {
  package let name: String
  package let path: String
  package let isAnonymous: Bool
}

extension Engine {
  /// The directories and files of the machine that a container has, in the order of the places where it has them.
  package func mounts(of status: ContainerStatus) throws(EngineError) -> [HostMount] {
    try engineStep(status.name) {
      let store = VolumeStore(directory: paths.volumes)
      return try status.directory.specification().mounts.compactMap { mount in
        switch mount.source {
        case .bind(let path), .volume(let path), .part(of: let path, path: _):
          HostMount(path: path, volume: store.volume(at: path))
        case .tmpfs, .ownFile, .grantedFile: nil
        }
      }
    }
  }

  package func volumes(of project: String) throws(EngineError) -> [VolumeDescription] {
    try engineStep {
      let store = VolumeStore(directory: paths.volumes)
      return try store.volumes(of: project).map {
        VolumeDescription(name: $0.name, path: "\(store.directory)/\($0.name)/data", isAnonymous: $0.isAnonymous)
      }
    }
  }
}
