import StackModel

/// Reads stack files: from text to a checked `Stack`, or to all that is wrong with them.
///
/// Named phases, in this order, each with the places of what it works on:
/// 1. *find*: which files, which variables (`FileDiscovery`, `ProjectEnvironment`);
/// 2. *compose*: YAML with anchors and merge keys, values interpolated (`Composer`);
/// 3. *canonicalize*: check against the table of keys, bring into the long form (`Canonicalizer`);
/// 4. *assemble*: include, extend, lay later files over earlier ones (`Assembly`);
/// 5. *complete*: what only the whole shows is missing or says nothing (`Completion`);
/// 6. *normalize*: names, defaults, profiles, variables of files (`Normalizer`), and nothing that says nothing (`Omission`);
/// 7. *decode*: the model, and what the texts in it mean (`StackDecoder`);
/// 8. *check*: what the parts say of each other (`Checks/`).
/// Pure but for `read`.
package struct StackFileLoader {
  /// The bytes of a file, by its absolute path; `-` is the standard input.
  package typealias Read = (String) -> Result<[UInt8], SourceReadError>

  private let read: Read

  package init(read: @escaping Read) {
    self.read = read
  }

  package func load(_ request: LoadRequest) -> LoadResult {
    let report = Report(purpose: request.purpose)
    let context = LoadContext(request: request, report: report, read: read)
    var result = LoadResult(diagnostics: [], sources: [])
    load(context, into: &result)
    result.diagnostics = report.diagnostics()
    result.sources = report.sources
    return result
  }

  private func load(_ context: LoadContext, into result: inout LoadResult) {
    let report = context.report
    var environment = ProjectEnvironment(context.request.environment)
    guard let files = files(context, &environment) else { return }
    let directory = directory(of: files.first?.path, context.request)
    environment.readFiles(of: context, in: directory)
    let naming = ProjectNaming(context: context)
    let given = naming.given(environment)
    guard report.errorCount == 0 else { return }
    environment.set(name: given ?? naming.expected(files, directory: directory, environment))
    result.variables = environment.variables
    if context.request.collectsReferences { result.references = VariableReferences(context: context).all(in: files) }
    let assembly = Assembly(
      context: context, environment: environment, directory: directory,
      prefix: context.request.phases.resolvesPaths ? directory : "")
    guard var document = assembly.document(of: files) else {
      if report.errorCount == 0 { reportEmpty(files, report) }
      return
    }
    if context.request.wantsOnlyName {
      let errors = report.errorCount
      let name = given ?? naming.name(in: document, directory: directory)
      if report.errorCount == errors { result.name = name }
      return
    }
    let phases = context.request.phases
    report.settle(document)
    var completion = Completion(report: report, checks: phases.checks)
    completion.complete(&document)
    let name = given ?? naming.name(in: document, directory: directory)
    if given == nil { environment.rename(to: name) }
    result.variables = environment.variables
    let normalizer = Normalizer(context: context, environment: environment, name: name, directory: directory)
    result.profiles = normalizer.profiles(of: document)
    let disabled = normalizer.disabled(in: document)
    normalizer.normalize(&document)
    let isWhole = phases.interpolates && phases.normalizes && phases.checks
    if isWhole { ObjectSources(report: report).check(document) }
    Omission.apply(to: &document)
    if isWhole {
      let stack = StackDecoder(report: report).decode(document, directory: directory, disabled: disabled)
      if report.errorCount == 0 {
        result.stack = stack
        result.stack?.files = files.map(\.path)
      }
    }
    if report.errorCount == 0 { result.document = document }
  }

  private func reportEmpty(_ files: [LoadContext.OpenFile], _ report: Report) {
    report.error(
      .start(of: files.first?.source ?? 0), nil, "the file is empty",
      hint: "a stack file begins with services: and a service below it")
  }

  // MARK: Which files

  /// nil when there is none, or one cannot be read, which is then reported.
  private func files(_ context: LoadContext, _ environment: inout ProjectEnvironment) -> [LoadContext.OpenFile]? {
    let request = context.request
    environment.readFiles(of: context, in: directory(of: request.files.first, request))
    var names = request.files.isEmpty ? Self.named(in: environment) : request.files
    if names.isEmpty { names = FileDiscovery.find(from: request.workingDirectory, read: read) }
    guard !names.isEmpty else {
      context.report.error(
        .file(context.report.add(SourceText(name: request.workingDirectory, bytes: []))), nil,
        "there is no stack file here, nor in a directory above",
        hint: "name one with -f; the names looked for are \(FileDiscovery.names.joined(separator: ", "))")
      return nil
    }
    let files = names.map { name in
      context.open(
        name == "-" ? name : FilePath.resolve(name, in: request.workingDirectory, home: nil),
        name: name == "-" ? "standard input" : name, what: "stack file")
    }
    return files.contains { $0 == nil } ? nil : files.compactMap(\.self)
  }

  /// `STACK_FILE`, or `COMPOSE_FILE` as docker compose reads it.
  private static func named(in environment: ProjectEnvironment) -> [String] {
    guard let value = environment.setting("FILE") else { return [] }
    guard let separator = (environment.setting("PATH_SEPARATOR") ?? ":").first else { return [value] }
    return value.split(separator: separator).map(String.init)
  }

  /// The project directory: as asked for, or that of the first file, or the working directory.
  private func directory(of file: String?, _ request: LoadRequest) -> String {
    let working = request.workingDirectory
    if let directory = request.projectDirectory { return FilePath.resolve(directory, in: working, home: nil) }
    guard let file, file != "-" else { return FilePath.clean(working) }
    return FilePath.parent(FilePath.resolve(file, in: working, home: nil))
  }
}
