import StackModel

/// What all parts of a load share: the files that are read, and what is found in them.
///
/// Each file is read and parsed once for each set of variables, however many services extend from it.
final class LoadContext {
  let request: LoadRequest
  let report: Report
  private let read: StackFileLoader.Read
  private var opened: [String: OpenFile] = [:]
  private var fileCount = 0

  /// More than any project has; a circle of files that no rule sees ends here.
  private static let maximumFiles = 2000

  init(request: LoadRequest, report: Report, read: @escaping StackFileLoader.Read) {
    self.request = request
    self.report = report
    self.read = read
  }

  func bytes(of path: String) -> Result<[UInt8], SourceReadError> { read(path) }

  /// A path as a user would write it: relative when it lies below the working directory.
  func shown(_ path: String) -> String {
    let directory = FilePath.clean(request.workingDirectory) + "/"
    return path.hasPrefix(directory) ? String(path.dropFirst(directory.count)) : path
  }

  var home: String? { request.environment["HOME"] }

  /// One file, under the name by which the user knows it.
  struct OpenFile {
    var text: SourceText
    var source: UInt16
    /// Absolute, or `-`.
    var path: String
  }

  /// nil when it cannot be read, which is then reported: at `mark`, or else at the file itself.
  func open(_ path: String, name: String, what: String, at mark: Mark? = nil, _ documentPath: String? = nil)
    -> OpenFile?
  {
    if let file = opened[path] { return file }
    fileCount += 1
    guard fileCount <= Self.maximumFiles else {
      report.error(mark ?? .file(0), documentPath, "the project has more than \(Self.maximumFiles) files")
      return nil
    }
    switch read(path) {
    case .success(let bytes):
      let text = SourceText(name: name, bytes: bytes)
      let file = OpenFile(text: text, source: report.add(text), path: path)
      opened[path] = file
      return file
    case .failure(let error):
      let place = mark ?? .file(report.add(SourceText(name: name, bytes: [])))
      report.error(place, documentPath, "cannot read the \(what)\(mark == nil ? "" : " \(name)"): \(error.reason)")
      return nil
    }
  }

  /// The documents of a file, with the variables of `environment` in them; empty when its syntax is wrong.
  func documents(of file: OpenFile, _ environment: ProjectEnvironment) -> [Node] {
    Composer.documents(
      of: file.text.bytes, source: file.source, report: report,
      interpolation: request.phases.interpolates ? environment.interpolation(report) : nil) ?? []
  }

  func canonicalizer(at path: String...) -> Canonicalizer {
    var canonicalizer = Canonicalizer(report: report, isTemplate: !request.phases.interpolates)
    for key in path { canonicalizer.path.push(key) }
    return canonicalizer
  }
}
