import StackModel

/// Reads a stack file: from text to a checked `Stack`, or to all that is wrong with it.
///
/// Phases, in this order, each with the places of what it works on: parse and interpolate, merge the documents of a
/// file, check against the table of keys and bring into canonical form, normalise, decode, check consistency.
/// Pure but for `read`.
package struct StackFileLoader {
  /// The bytes of a file, by its absolute path; `-` is the standard input.
  package typealias Read = (String) -> Result<[UInt8], SourceReadError>

  private let read: Read

  package init(read: @escaping Read) {
    self.read = read
  }

  package func load(_ request: LoadRequest) -> LoadResult {
    let report = Report()
    var result = LoadResult(diagnostics: [], sources: [])
    if let file = file(request, report), report.errorCount == 0 {
      load(file, request, report, into: &result)
    }
    result.diagnostics = report.diagnostics()
    result.sources = report.sources
    return result
  }

  private func load(_ file: OpenFile, _ request: LoadRequest, _ report: Report, into result: inout LoadResult) {
    let directory = FilePath.resolve(
      request.projectDirectory ?? file.directory, in: request.workingDirectory, home: nil)
    var project = ProjectEnvironment(request, directory: directory, read: read, report: report)
    project.takeName(from: file.text)
    guard
      let documents = Composer.documents(
        of: file.text.bytes, source: file.source, report: report, interpolation: project.interpolation(report))
    else { return }
    guard let document = DocumentMerge.merged(documents) else {
      report.error(
        .start(of: file.source), nil, "the file is empty",
        hint: "a stack file begins with services: and a service below it")
      return
    }
    var canonicalizer = Canonicalizer(report: report)
    guard let canonical = canonicalizer.canonical(document, as: .record(.top)) else { return }
    let normalizer = Normalizer(project: project, directory: directory, read: read, report: report)
    let normal = normalizer.normalize(canonical, source: file.source)
    let stack = StackDecoder(report: report).decode(normal, directory: directory)
    guard report.errorCount == 0 else { return }
    result.stack = stack
    result.document = normal
  }

  // MARK: Which file

  private struct OpenFile {
    var text: SourceText
    var source: UInt16
    var directory: String
  }

  private func file(_ request: LoadRequest, _ report: Report) -> OpenFile? {
    let files = request.files.isEmpty ? Self.filesOfEnvironment(request.environment) : request.files
    if files.count > 1 {
      let source = report.add(SourceText(name: files[1], bytes: []))
      report.error(
        .file(source), nil, "several stack files cannot be merged yet",
        hint: "join them into one file, and give that with -f")
      return nil
    }
    guard let name = files.first else { return discover(request, report) }
    let isInput = name == "-"
    let path = isInput ? "-" : FilePath.resolve(name, in: request.workingDirectory, home: nil)
    return open(
      read(path), name: isInput ? "standard input" : name,
      directory: isInput ? request.workingDirectory : FilePath.parent(path), report)
  }

  /// `STACK_FILE`, or `COMPOSE_FILE` as docker compose reads it.
  private static func filesOfEnvironment(_ environment: [String: String]) -> [String] {
    guard let value = environment["STACK_FILE"] ?? environment["COMPOSE_FILE"] else { return [] }
    let separator = environment["COMPOSE_PATH_SEPARATOR"] ?? ":"
    guard let byte = separator.first else { return [value] }
    return value.split(separator: byte).map(String.init)
  }

  private func discover(_ request: LoadRequest, _ report: Report) -> OpenFile? {
    guard let found = FileDiscovery.find(from: request.workingDirectory, read: read) else {
      let source = report.add(SourceText(name: request.workingDirectory, bytes: []))
      report.error(
        .file(source), nil, "there is no stack file here, nor in a directory above",
        hint: "name one with -f; the names looked for are \(FileDiscovery.names.joined(separator: ", "))")
      return nil
    }
    let file = open(found.bytes, name: found.name, directory: found.directory, report)
    if !found.name.hasSuffix("stack.yaml"), !found.name.hasSuffix("stack.yml"),
      let override = FileDiscovery.override(in: found.directory, read: read)
    {
      let source = report.add(SourceText(name: override, bytes: []))
      report.error(
        .file(source), nil, "override files cannot be merged yet",
        hint: "to leave \(override) out, give the file with -f \(found.name)")
      return nil
    }
    return file
  }

  private func open(
    _ bytes: Result<[UInt8], SourceReadError>, name: String, directory: String, _ report: Report
  ) -> OpenFile? {
    switch bytes {
    case .success(let bytes):
      let text = SourceText(name: name, bytes: bytes)
      return OpenFile(text: text, source: report.add(text), directory: directory)
    case .failure(let error):
      let source = report.add(SourceText(name: name, bytes: []))
      report.error(.file(source), nil, "cannot read the stack file: \(error.reason)")
      return nil
    }
  }
}
