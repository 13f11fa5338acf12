import StackFile
import StackModel

/// Loads from memory: the text is /project/stack.yaml.
func load(
  _ text: String, files: [String: String] = [:], environment: [String: String] = ["HOME": "/home/user"],
  projectName: String? = nil, envFiles: [String] = []
) -> LoadResult {
  var files = files
  files["/project/stack.yaml"] = text
  let request = LoadRequest(
    files: ["stack.yaml"], workingDirectory: "/project", projectName: projectName, envFiles: envFiles,
    environment: environment)
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
