import StackModel

/// What to load, and for whom.
package struct LoadRequest: Sendable {
  /// As `-f` gave them, `-` being the standard input; empty to look for one from the working directory upwards.
  package var files: [String]
  /// Absolute.
  package var workingDirectory: String
  /// `-p`.
  package var projectName: String?
  /// `--project-directory`; nil is the directory of the first file.
  package var projectDirectory: String?
  /// `--env-file`; empty is `.env` of the project directory, when it is there.
  package var envFiles: [String]
  /// The caller's environment.
  package var environment: [String: String]

  package init(
    files: [String] = [], workingDirectory: String, projectName: String? = nil, projectDirectory: String? = nil,
    envFiles: [String] = [], environment: [String: String] = [:]
  ) {
    self.files = files
    self.workingDirectory = workingDirectory
    self.projectName = projectName
    self.projectDirectory = projectDirectory
    self.envFiles = envFiles
    self.environment = environment
  }
}

/// What a load gives.
package struct LoadResult: Sendable {
  /// nil if and only if there is an error among the diagnostics.
  package var stack: Stack?
  /// The document in its canonical form, for `StackPrinter`; nil when `stack` is.
  package var document: Node?
  /// In the order of the files and of their lines.
  package var diagnostics: [Diagnostic]
  /// The files that were read, in the order in which they were.
  package var sources: [SourceText]

  package var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
}
