import StackModel

/// What to load, and for whom.
package struct LoadRequest: Sendable {
  /// What becomes of the result: what only a running stack cannot do is an error for one, and a warning for the other.
  package enum Purpose: Sendable {
    case run
    case show
  }

  /// Phases that `config` can leave out.
  package struct Phases: Sendable {
    package var interpolates = true
    package var resolvesPaths = true
    /// Variables of `env_file`, and those that have no value of their own.
    package var resolvesEnvironment = true
    package var normalizes = true
    package var checks = true

    package init() {}
  }

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
  /// `--profile`; empty is what `COMPOSE_PROFILES` says. `*` is all.
  package var profiles: [String]
  /// Services that are asked for: their profiles hold too.
  package var services: [String]
  /// The caller's environment.
  package var environment: [String: String]
  package var purpose = Purpose.run
  /// Whether `LoadResult.references` is wanted.
  package var collectsReferences = false
  package var phases = Phases()
  /// Whether nothing but the name is wanted: what else is wrong with the file is not looked for.
  package var wantsOnlyName = false

  package init(
    files: [String] = [], workingDirectory: String, projectName: String? = nil, projectDirectory: String? = nil,
    envFiles: [String] = [], profiles: [String] = [], services: [String] = [], environment: [String: String] = [:]
  ) {
    self.files = files
    self.workingDirectory = workingDirectory
    self.projectName = projectName
    self.projectDirectory = projectDirectory
    self.envFiles = envFiles
    self.profiles = profiles
    self.services = services
    self.environment = environment
  }
}

/// What a load gives.
package struct LoadResult: Sendable {
  /// nil if and only if there is an error among the diagnostics, or a phase was left out.
  package var stack: Stack?
  /// The project's name, as soon as it is known.
  package var name: String?
  /// The document in its canonical form, for `StackPrinter`; nil when there is an error.
  package var document: Node?
  /// In the order of the files and of their lines.
  package var diagnostics: [Diagnostic]
  /// The files that were read, in the order in which they were.
  package var sources: [SourceText]
  /// Profiles that services name, also of services that are not part of the stack.
  package var profiles: [String] = []
  /// The variables that values are interpolated from.
  package var variables: [String: String] = [:]
  /// References of the files, each variable once, in their order; empty unless asked for.
  package var references: [VariableReference] = []

  package var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
}

/// A variable that a file refers to.
package struct VariableReference: Sendable, Hashable {
  package var name: String
  package var isRequired = false
  package var defaultValue: String?
  package var alternateValue: String?
}
