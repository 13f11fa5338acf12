import StackModel

@testable import StackFile

/// Loads from memory: the text is /project/stack.yaml.
func load(
  _ text: String, files: [String: String] = [:], environment: [String: String] = ["HOME": "/home/user"],
  projectName: String? = nil, envFiles: [String] = [], _ change: (inout LoadRequest) -> Void = { _ in }
) -> LoadResult {
  var files = files
  files["/project/stack.yaml"] = text
  return load(files: files, ["stack.yaml"], environment: environment) { request in
    request.projectName = projectName
    request.envFiles = envFiles
    change(&request)
  }
}

/// Loads the files `names` of /project, or the one that is found there.
func load(
  files: [String: String], _ names: [String] = [], environment: [String: String] = ["HOME": "/home/user"],
  _ change: (inout LoadRequest) -> Void = { _ in }
) -> LoadResult {
  var request = LoadRequest(files: names, workingDirectory: "/project", environment: environment)
  change(&request)
  return loader(files).load(request)
}

func loader(_ files: [String: String]) -> StackFileLoader {
  StackFileLoader { path in files[path].map { .success(Array($0.utf8)) } ?? .failure(.notFound) }
}

/// A service `web` with an image and these lines, each indented to be a key of it.
func service(_ lines: String, top: String = "") -> String {
  let body = lines.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }.joined()
  return "services:\n  web:\n    image: i\n\(body)\(top)"
}

func web(_ lines: String, top: String = "", environment: [String: String] = ["HOME": "/home/user"]) -> Service? {
  load(service(lines, top: top), environment: environment).stack?.services.first
}

/// `LINE:COLUMN: message`, and the hint after ` | `.
func lines(_ result: LoadResult, _ severity: Diagnostic.Severity? = nil) -> [String] {
  result.diagnostics.filter { severity == nil || $0.severity == severity }.map { diagnostic in
    "\(diagnostic.line):\(diagnostic.column): \(diagnostic.message)" + (diagnostic.hint.map { " | \($0)" } ?? "")
  }
}

func errors(_ text: String) -> [String] { lines(load(text), .error) }

/// `FILE:LINE:COLUMN: message` of all errors.
func errorPlaces(_ result: LoadResult) -> [String] {
  result.errors.map { "\($0.file):\($0.line):\($0.column): \($0.message)" }
}

/// A part of the canonical JSON in one line, for example `services.web.ports`; nil when it is not there.
func canonical(_ result: LoadResult, _ path: String) -> String? {
  var node = result.document
  for key in path.split(separator: ".") { node = node?[String(key)] }
  return node.map(compact)
}

/// The value in one line, like JSON without quotes.
private func compact(_ node: Node) -> String {
  switch node.content {
  case .scalar(let text, let type): type == .null ? "null" : text
  case .sequence(let items): "[" + items.map(compact).joined(separator: ", ") + "]"
  case .mapping(let members): "{" + members.map { "\($0.key): \(compact($0.value))" }.joined(separator: ", ") + "}"
  }
}
