/// `pre_start`: a container of its own that has to succeed before the service's is made.
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
}
