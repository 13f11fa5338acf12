import LinuxSystem

/// Why something about a cgroup could not be done.
package enum CgroupError: Error, Hashable, Sendable {
  /// No cgroup file system is mounted below this directory.
  case notMounted(root: String)
  /// A project or container name that may not become a directory.
  case invalidName(String)
  /// A limit with a value that has no meaning: which, and the value.
  case invalidLimit(CgroupLimit, String)
  /// Controllers cannot be handed on to child groups because processes are in `directory` itself (cgroups(7), "no internal
  /// processes").
  case processesInParent(directory: String, controllers: [CgroupController])
  /// Processes, or groups with processes, kept this directory from being removed for as long as was waited.
  case busy(directory: String)
  /// A group that is to be a container's is somebody else's already.
  case inUse(path: String, reason: String)
  case system(SystemCallError)
}

extension CgroupError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .notMounted(let root):
      "no cgroup file system is mounted below \(root)"
    case .invalidName(let name):
      "\"\(name)\" cannot be the name of a cgroup: letters, digits, '_', '.' and '-' are allowed, beginning with a letter"
        + " or digit, at most \(CgroupName.limit) of them"
    case .invalidLimit(let limit, let value):
      "\(limit) cannot be \(value)"
    case .processesInParent(let directory, let controllers):
      "the controllers \(controllers.map(\.rawValue).joined(separator: ", ")) cannot be enabled for the groups below"
        + " \(directory), because processes are in it: move them into a group of their own first"
    case .busy(let directory):
      "cgroup \(directory) still has processes"
    case .inUse(let path, let reason):
      "cgroup \(path): \(reason)"
    case .system(let error):
      error.description
    }
  }
}

/// Runs `body`, with its system call errors as `CgroupError`.
func systemCalls<Result: ~Copyable>(_ body: () throws(SystemCallError) -> Result) throws(CgroupError) -> Result {
  do throws(SystemCallError) {
    return try body()
  } catch {
    throw .system(error)
  }
}
