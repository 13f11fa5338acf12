import Glibc
import IsolationEngine
import LinuxCgroup
import LinuxSystem
import StackImages
import StackStore
import SystemPackage

extension Engine {
  /// Makes an image of a container: that which it was made from, and what has changed in its files.
  /// - Parameters:
  ///   - pauses: its processes are stopped meanwhile, so that what they write is whole.
  ///   - change: what else is to be different.
  /// - Returns: the id of the image.
  package func commit(
    _ status: ContainerStatus, of project: String, as name: String?, pauses: Bool,
    _ change: (inout ImageCommit) throws -> Void
  ) throws(EngineError) -> String {
    try requireRoot()
    guard let record = status.record, !record.image.isEmpty else {
      throw EngineError(
        .failure, status.name,
        "was made from no image, to which its changes could be added: its whole file system can be had by stack export")
    }
    return try locked(project) { _ throws(EngineError) in
      try engineStep(status.name) {
        let specification = try status.directory.specification()
        let upper = try Files.open("\(status.directory.path)/upper", O_RDONLY | O_DIRECTORY)
        var commit = ImageCommit(
          base: record.imageID, upper: SharedDescriptor(upper), ownerOffset: specification.namespaces.users?.base ?? 0)
        try change(&commit)
        let isRunning = if case .running = status.state { true } else { false }
        let isFrozen = pauses && isRunning && !status.directory.isPaused
        if isFrozen { try freeze(status) }
        defer {
          // Best effort: the mark stays, and unpause says what is wrong.
          if isFrozen { try? thaw(status) }
        }
        return try ImageStore(dataDirectory: paths.data).commit(commit, as: name).id
      }
    }
  }
}
