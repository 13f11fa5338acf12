import StackModel
import Testing

@testable import StackFile

@Suite struct LoaderTests {
  private func load(
    _ files: [String: String], in directory: String = "/a/b", _ change: (inout LoadRequest) -> Void = { _ in }
  ) -> LoadResult {
    var request = LoadRequest(workingDirectory: directory)
    change(&request)
    return loader(files).load(request)
  }

  private let text = "services: {w: {image: i, volumes: [./d:/d]}}\n"

  @Test(arguments: [
    (["/a/b/compose.yaml", "/a/b/stack.yaml"], "stack.yaml", "/a/b"),
    (["/a/b/docker-compose.yml", "/a/b/compose.yml"], "compose.yml", "/a/b"),
    (["/a/compose.yaml"], "/a/compose.yaml", "/a"),
    (["/stack.yml", "/a/docker-compose.yaml"], "/a/docker-compose.yaml", "/a"),
  ]) func discovery(_ paths: [String], _ name: String, _ directory: String) {
    let files = Dictionary(paths.map { ($0, text) }, uniquingKeysWith: { first, _ in first })
    let result = load(files)
    #expect(result.sources.first?.name == name)
    #expect(result.stack?.directory == directory)
  }

  @Test func nothingToFind() {
    let result = load([:])
    #expect(result.stack == nil && result.diagnostics.count == 1)
    #expect(result.diagnostics[0].message == "there is no stack file here, nor in a directory above")
    #expect(load([:]) { $0.files = ["x.yaml"] }.diagnostics[0].message == "cannot read the stack file: no such file")
  }

  @Test func pathsStartAtTheFile() {
    let files = ["/a/x/f.yaml": text, "-": text]
    func source(_ change: (inout LoadRequest) -> Void) -> Mount.Source? {
      load(files, in: "/a/b", change).stack?.services[0].mounts[0].source
    }
    #expect(source { $0.files = ["../x/f.yaml"] } == .bind(path: "/a/x/d", createMissing: true))
    #expect(source { $0.files = ["-"] } == .bind(path: "/a/b/d", createMissing: true))
    #expect(
      source { ($0.files, $0.projectDirectory) = (["/a/x/f.yaml"], "../y") }
        == .bind(path: "/a/y/d", createMissing: true))
    #expect(source { $0.environment = ["COMPOSE_FILE": "../x/f.yaml"] } == .bind(path: "/a/x/d", createMissing: true))
  }

  @Test func theProjectNameComesFromTheFirstThatHasOne() {
    let named = ["/a/My Dir/stack.yaml": "name: in-file\n" + text, "/a/My Dir/.env": "COMPOSE_PROJECT_NAME=dot\n"]
    func name(_ files: [String: String], _ change: (inout LoadRequest) -> Void = { _ in }) -> String? {
      load(files, in: "/a/My Dir", change).stack?.name
    }
    #expect(name(named) { ($0.projectName, $0.environment) = ("p", ["STACK_PROJECT_NAME": "s"]) } == "p")
    #expect(name(named) { $0.environment = ["STACK_PROJECT_NAME": "s", "COMPOSE_PROJECT_NAME": "c"] } == "s")
    #expect(name(named) == "dot")
    #expect(name(["/a/My Dir/stack.yaml": "name: in-file\n" + text]) == "in-file")
    #expect(name(["/a/My Dir/stack.yaml": "name: In_File!\n" + text]) == "in_file")
    #expect(name(["/a/My Dir/stack.yaml": text]) == "mydir")
    #expect(
      load(named, in: "/a/My Dir") { $0.projectName = "Bad" }.diagnostics[0].message == "\"Bad\" is not a project name")
    #expect(load(["/stack.yaml": text], in: "/").diagnostics[0].message.contains("no project name can be made"))
  }

  @Test func theStackIsThereIfAndOnlyIfThereIsNoError() {
    for text in ["", text, "services: {w: {}}", "a: [", "version: '3'\n" + text, "services: {}"] {
      let result = load(["/a/b/stack.yaml": text])
      #expect((result.stack == nil) == result.diagnostics.contains { $0.severity == .error })
      #expect((result.document == nil) == (result.stack == nil))
    }
  }
}
