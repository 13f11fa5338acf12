/// `pre_start`: a container of its own that has to succeed before the service's starts.
package struct InitStep: Sendable, Hashable, Codable {
  /// nil keeps the image's.
  package var command: [String]?
  /// nil is the service's.
  package var image: String?
  package var user: String?
  package var workingDirectory: String?
  package var environment: [EnvironmentVariable] = []
  package var isPrivileged = false
  /// Once for each replica, not once for the service.
  package var isPerReplica = false

  package init(command: [String]? = nil) {
    self.command = command
  }

  /// Where a step stands among those of its service.
  package struct Place: Sendable, Hashable, Codable {
    /// From 0, as in `pre_start[0]`.
    package var index: Int
    /// The replica whose step it is; nil is that of all.
    package var replica: Int?

    package init(index: Int, replica: Int?) {
      self.index = index
      self.replica = replica
    }

    /// What the step is called inside: no service of a file can have such a name.
    package func instanceName(of service: String) -> String {
      "\(service) pre_start[\(index)]" + (replica.map { " of \($0)" } ?? "")
    }

    /// Whether it has to succeed before a replica starts.
    package func precedes(replica number: Int) -> Bool { replica == nil || replica == number }
  }
}
