import StackFile
import StackModel

/// libFuzzer's entry: any bytes are loaded as the files of a project, as `stack config` and `stack up` would.
///
/// The first file is stack.yaml. A line `#file NAME` begins another, so that `extends`, `include`, `env_file` and override
/// files are reached too. `make fuzz` builds and runs it; the corpus is beside this file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
  let project = FuzzedProject(bytes)
  project.load(purpose: .run)
  project.load(purpose: .show)
  return 0
}

struct FuzzedProject {
  private var files: [String: [UInt8]] = [:]
  private var names = ["stack.yaml"]

  init(_ bytes: [UInt8]) {
    var name = "stack.yaml"
    var content: [UInt8] = []
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if line.starts(with: "#file ".utf8) {
        files["/project/" + name] = content
        name = String(decoding: line.dropFirst(6), as: UTF8.self)
        content = []
        // Override files are named on the command line.
        if name.hasPrefix("over") { names.append(name) }
      } else {
        content += line
        content.append(UInt8(ascii: "\n"))
      }
    }
    files["/project/" + name] = content
  }

  /// Loads, checks what a load promises, and prints.
  func load(purpose: LoadRequest.Purpose) {
    var request = LoadRequest(
      files: names, workingDirectory: "/project", profiles: ["*"],
      environment: ["HOME": "/home/user", "A": "1", "B": ""])
    request.purpose = purpose
    request.collectsReferences = true
    let result = StackFileLoader { path in
      files[path].map { .success($0) } ?? .failure(.notFound)
    }.load(request)
    let isWrong = result.diagnostics.contains { $0.severity == .error }
    guard (result.document == nil) == isWrong, (result.stack == nil) == isWrong else {
      fatalError("a result and an error, or neither: \(result.diagnostics)")
    }
    for format in DiagnosticFormat.allCases { _ = format.render(result.diagnostics) }
    if let document = result.document {
      _ = StackPrinter.json(document)
      reload(StackPrinter.yaml(document), like: result)
    }
  }

  /// What is printed means the same when it is loaded again.
  private func reload(_ text: String, like result: LoadResult) {
    var request = LoadRequest(
      files: ["/project/stack.yaml"], workingDirectory: "/project", profiles: ["*"], environment: ["HOME": "/home/user"]
    )
    request.purpose = .show
    let again = StackFileLoader { path in
      path == "/project/stack.yaml" ? .success(Array(text.utf8)) : .failure(.notFound)
    }.load(request)
    guard again.stack?.services == result.stack?.services || !again.diagnostics.isEmpty else {
      fatalError("printed and loaded again, it means something else:\n\(text)")
    }
  }
}
