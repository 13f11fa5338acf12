/// The variables of a project, and its name.
struct ProjectEnvironment {
  /// The caller's variables, which win, and those of the `.env` files.
  private(set) var variables: [String: String]
  private(set) var name: String?
  /// The environment files that were read, for hints.
  private var files: [String] = []
  private let basename: String

  init(_ request: LoadRequest, directory: String, read: StackFileLoader.Read, report: Report) {
    variables = request.environment
    basename = FilePath.lastComponent(directory)
    readFiles(request, directory: directory, read: read, report: report)
    name = givenName(request, report)
  }

  private mutating func readFiles(
    _ request: LoadRequest, directory: String, read: StackFileLoader.Read, report: Report
  ) {
    let isExplicit = !request.envFiles.isEmpty
    var found: [String: String] = [:]
    for file in isExplicit ? request.envFiles : [".env"] {
      let path = FilePath.resolve(file, in: isExplicit ? request.workingDirectory : directory, home: nil)
      switch read(path) {
      case .success(let bytes):
        files.append(file)
        for variable in Self.variables(
          of: bytes, name: file, report: report, lookup: { request.environment[$0] ?? found[$0] })
        where !variable.name.isEmpty {
          found[variable.name] = variable.value
        }
      case .failure(.notFound) where !isExplicit, .failure(.isDirectory) where !isExplicit: continue
      case .failure(let error):
        report.error(
          .file(report.add(SourceText(name: file, bytes: []))), nil, "cannot read the environment file: \(error.reason)"
        )
      }
    }
    variables.merge(found) { caller, _ in caller }
  }

  /// The variables of a file in the grammar of `.env`; its problems are reported at their lines.
  static func variables(
    of bytes: [UInt8], name: String, report: Report, lookup: @escaping (String) -> String?
  ) -> [EnvironmentFile.Variable] {
    let file = EnvironmentFile(bytes, lookup: lookup)
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

  private func givenName(_ request: LoadRequest, _ report: Report) -> String? {
    let given = [
      ("-p", request.projectName), ("STACK_PROJECT_NAME", variables["STACK_PROJECT_NAME"]),
      ("COMPOSE_PROJECT_NAME", variables["COMPOSE_PROJECT_NAME"]),
    ]
    for case (let origin, .some(let name)) in given where !name.isEmpty {
      if !ProjectName.isValid(name) {
        report.error(
          .file(report.add(SourceText(name: origin, bytes: []))), nil, "\"\(name)\" is not a project name",
          hint: ProjectName.hint)
      }
      return name
    }
    return nil
  }

  /// The name is itself a variable; a file that uses it is looked through for its `name:` first.
  mutating func takeName(from text: SourceText) {
    var known = name
    if known == nil, text.contains("_PROJECT_NAME") {
      let quiet = Report()
      _ = quiet.add(text)
      let interpolation = Interpolation(environment: variables, environmentFiles: [], report: quiet)
      let documents = Composer.documents(of: text.bytes, source: 0, report: quiet, interpolation: interpolation)
      known = documents?.compactMap { $0["name"]?.text }.last.map(ProjectName.normalized)
    }
    let value = known ?? ProjectName.normalized(basename)
    for variable in ["STACK_PROJECT_NAME", "COMPOSE_PROJECT_NAME"] {
      variables[variable] = variables[variable] ?? value
    }
  }

  func interpolation(_ report: Report) -> Interpolation {
    Interpolation(environment: variables, environmentFiles: files, report: report)
  }

  /// The name that holds: given by the user, by the file, or by the directory.
  func finalName(file: Node?, source: UInt16, report: Report) -> String {
    if let name { return name }
    if let file, let text = file.text, !text.isEmpty {
      let normal = ProjectName.normalized(text)
      if normal.isEmpty {
        report.error(file.mark, "name", "\"\(text)\" is not a project name", hint: ProjectName.hint)
      } else if normal != text {
        report.warning(
          file.mark, "name", "the project name \"\(text)\" is used as \"\(normal)\"", hint: ProjectName.hint)
      }
      return normal
    }
    let normal = ProjectName.normalized(basename)
    if normal.isEmpty {
      report.error(
        .start(of: source), nil, "no project name can be made from the directory \"\(basename)\"",
        hint: "give one with -p, or with name:")
    }
    return normal
  }
}
