/// Something a user should know about a file, with its place.
package struct Diagnostic: Error, Sendable, Hashable, Codable {
  package enum Severity: String, Sendable, Hashable, Codable { case error, warning }

  package var severity: Severity
  /// Another place that has to do with it: what a value replaces, or which service takes it over.
  package struct Related: Sendable, Hashable, Codable {
    package var file: String
    package var line: Int
    package var column: Int
    package var message: String

    package init(file: String, line: Int, column: Int, message: String) {
      self.file = file
      self.line = line
      self.column = column
      self.message = message
    }
  }

  /// As the user named it.
  package var file: String
  /// From 1; 0 when the file as a whole is meant.
  package var line: Int
  /// From 1, in characters.
  package var column: Int
  /// The place in the model, for example `services.web.ports[0]`.
  package var path: String?
  /// What is wrong, in lower case and without a full stop.
  package var message: String
  /// What to do about it.
  package var hint: String?
  /// The line of the file, for the caret; nil when it is not known.
  package var source: String?
  package var related: [Related]

  package init(
    _ severity: Severity = .error, file: String, line: Int, column: Int, path: String? = nil, _ message: String,
    hint: String? = nil, source: String? = nil, related: [Related] = []
  ) {
    self.severity = severity
    self.file = file
    self.line = line
    self.column = column
    self.path = path
    self.message = message
    self.hint = hint
    self.source = source
    self.related = related
  }
}
