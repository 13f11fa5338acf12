/// The variables of a project, and its name.
struct ProjectEnvironment {
  /// The caller's variables, which win, and those of the `.env` files.
  private(set) var variables: [String: String]
  /// The environment files that were read, for hints.
  private var files: [String] = []
  private var readPaths: Set<String> = []

  init(_ variables: [String: String]) {
    self.variables = variables
  }

  /// `STACK_NAME`, or else `COMPOSE_NAME`.
  func setting(_ name: String) -> String? {
    [variables["STACK_" + name], variables["COMPOSE_" + name]].compactMap(\.self).first { !$0.isEmpty }
  }

  // MARK: Files

  /// `--env-file`, `COMPOSE_ENV_FILES`, or the `.env` of the directory. A second call adds what the first did not know.
  mutating func readFiles(of context: LoadContext, in directory: String) {
    var explicit = context.request.envFiles
    if explicit.isEmpty, let list = setting("ENV_FILES") { explicit = list.split(separator: ",").map(String.init) }
    guard explicit.isEmpty else {
      // Later files win over earlier ones, and the caller over all.
      let own = variables
      for file in explicit {
        read(file, in: context.request.workingDirectory, isOptional: false, context, wins: own)
      }
      return
    }
    if ["1", "t", "true"].contains(setting("DISABLE_ENV_FILE")?.lowercased() ?? "") { return }
    read(".env", in: directory, isOptional: true, context)
  }

  /// Variables that are known already stay as they are, but for those of earlier files when `wins` are given.
  mutating func read(
    _ file: String, in directory: String, isOptional: Bool, _ context: LoadContext, at mark: Mark? = nil,
    _ path: String? = nil, wins: [String: String]? = nil
  ) {
    let absolute = FilePath.resolve(file, in: directory, home: context.home)
    guard readPaths.insert(absolute).inserted else { return }
    switch context.bytes(of: absolute) {
    case .success(let bytes):
      files.append(file)
      let winning = wins ?? variables
      let outer = EnvironmentFile.Outer(winning: { winning[$0] }, earlier: { [variables] in variables[$0] })
      var found: [String: String] = [:]
      for variable in Self.variables(of: EnvironmentFile(bytes, outer: outer), bytes, name: file, context.report)
      where !variable.name.isEmpty {
        found[variable.name] = variable.value
      }
      variables.merge(found) { old, new in new }
      variables.merge(winning) { _, caller in caller }
    case .failure(.notFound) where isOptional, .failure(.isDirectory) where isOptional: return
    case .failure(let error):
      context.report.error(
        mark ?? .file(context.report.add(SourceText(name: file, bytes: []))), path,
        "cannot read the environment file\(mark == nil ? "" : " \(file)"): \(error.reason)")
    }
  }

  /// The variables of a file that was read; its problems are reported at their lines.
  static func variables(
    of file: EnvironmentFile, _ bytes: [UInt8], name: String, _ report: Report
  ) -> [EnvironmentFile.Variable] {
    if !file.problems.isEmpty {
      let source = report.add(SourceText(name: name, bytes: bytes))
      for problem in file.problems {
        report.error(
          Mark(source: source, line: UInt32(clamping: problem.line), column: 1), nil, problem.message,
          hint: problem.hint)
      }
    }
    return file.variables
  }

  func interpolation(_ report: Report) -> Interpolation {
    Interpolation(environment: variables, environmentFiles: files, report: report)
  }

  /// The name is itself a variable.
  mutating func set(name: String) {
    for variable in Self.nameVariables { variables[variable] = variables[variable] ?? name }
  }

  /// The name that the files give in the end, in the place of the one that was expected.
  mutating func rename(to name: String) {
    for variable in Self.nameVariables { variables[variable] = name }
  }

  private static let nameVariables = ["STACK_PROJECT_NAME", "COMPOSE_PROJECT_NAME"]
}
