import Glibc
import StackModel
import Testing

@testable import StackFile

/// Every sample loads without a word.
@Suite struct SampleTests {
  private static let root = TestFiles.root + "samples/"

  static var names: [String] {
    guard let directory = opendir(root) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if access(root + name + "/stack.yaml", R_OK) == 0 { names.append(name) }
    }
    return names.sorted()
  }

  @Test func thereAreSamples() {
    #expect(!Self.names.isEmpty)
  }

  @Test(arguments: names) func sample(_ name: String) throws {
    let directory = Self.root + name
    let text = try #require(TestFiles.contents("samples/\(name)/stack.yaml"))
    let loader = StackFileLoader { path in
      path == directory + "/stack.yaml" ? .success(Array(text.utf8)) : .failure(.notFound)
    }
    let result = loader.load(LoadRequest(workingDirectory: directory))
    #expect(result.diagnostics == [])
    #expect(result.stack?.name == name)
  }
}
