/// A secret or config as a service sees it: a file at `target` with this owner and mode.
package struct FileGrant: Sendable, Hashable, Codable {
  package enum Source: Sendable, Hashable, Codable {
    /// An absolute path of the machine.
    case file(String)
    /// `content`, or the value of the variable that `environment` names.
    case content(String)
    /// `external`: the name under which the machine keeps it.
    case external(String)
    /// The value of a variable that is not set: an error once a container needs it.
    case unset(variable: String)
  }

  /// The key below `secrets` or `configs`.
  package var key: String
  package var source: Source
  /// Absolute.
  package var target: String
  /// nil is root.
  package var uid: UInt32?
  package var gid: UInt32?
  /// nil is 0444.
  package var mode: UInt32?

  package init(key: String, source: Source, target: String) {
    self.key = key
    self.source = source
    self.target = target
  }
}
