import Testing

@testable import StackFile

@Suite struct EnvironmentFileTests {
  @Test(arguments: environmentFileVectors) func vector(_ vector: EnvironmentFileVector) {
    let file = EnvironmentFile(
      Array(vector.text.utf8), outer: EnvironmentFile.Outer(winning: { vector.environment[$0] }))
    #expect(file.problems.isEmpty)
    for (name, value) in vector.expected {
      #expect(file.variables.first { $0.name == name }?.value == value, "\(name) in \(vector.text)")
    }
  }

  @Test(arguments: [
    ("A=#x", "#x"), ("A= #x", "#x"), ("A=\"\\0101\\011\"", "A\t"), ("A=1\u{a0}", "1"), ("A=1\u{b}", "1"),
    ("A=a #x", "a"), ("A='a #x' # y", "a #x"), ("A=\"a\nb\"", "a\nb"), ("A=a\r\n", "a"),
    ("A: b: c", "b: c"), ("export\tA=1", "1"), ("A='$B'", "$B"), ("A=\"\\$B\"", "$B"), ("A=${B:-x y}", "x y"),
    ("A=\"a\\\"b\"", "a\"b"), ("A=1\nA=2", "2"), ("A=x\\ny", "x\\ny"),
  ]) func value(_ text: String, _ value: String) {
    let file = EnvironmentFile(Array(text.utf8), outer: EnvironmentFile.Outer())
    #expect(file.variables == [EnvironmentFile.Variable(name: "A", value: value)])
    #expect(file.problems.isEmpty)
  }

  @Test(arguments: [
    ("A=1\nB C=2", 2), ("\n\nA=\"open", 3), ("a multi\nword line", 1), ("A=${", 1), ("A='x\ny'\nB!=1", 3),
  ]) func problem(_ text: String, _ line: Int) {
    let file = EnvironmentFile(Array(text.utf8), outer: EnvironmentFile.Outer())
    #expect(file.problems.map(\.line).first == line)
  }

  @Test func namesAloneAreInherited() {
    let file = EnvironmentFile(
      Array("A\nB=1\nNONE\nB\nC=$B$A".utf8), outer: EnvironmentFile.Outer(winning: { $0 == "A" ? "caller" : nil }))
    #expect(
      file.variables == [
        .init(name: "A", value: "caller"), .init(name: "B", value: "1"), .init(name: "C", value: "1caller"),
      ])
  }

  @Test func rawFilesAreTakenAsTheyAre() {
    let result = load(
      service("env_file: [{path: r, format: raw}]"), files: ["/project/r": "# no\nA='x y' # z\n\n B=$C\"\r\nnothing\n"])
    #expect(result.stack?.services[0].environment.map { "\($0.name)=\($0.value)" } == ["A='x y' # z", "B=$C\""])
  }

  /// The caller's, then the service's own, then the file's, then those of earlier files.
  @Test func referencesAreLookedUpInOrder() {
    let files = ["/project/a.env": "A=a\nB=a\nC=a\nD=a\n", "/project/b.env": "A=b\nB=b\nC=b\nV=$A$B$C$D\n"]
    let result = load(
      service("env_file: [a.env, b.env]\nenvironment: {B: own}"), files: files, environment: ["A": "caller"])
    #expect(result.stack?.services[0].environment.first { $0.name == "V" }?.value == "callerownba")
  }

  @Test func servicesTakeTheirFiles() {
    let files = ["/project/a.env": "A=1\nB=1\nN=$OUT", "/project/sub/b.env": "B=2\nBAD LINE\n"]
    let good = load(
      service("env_file: [a.env, {path: none.env, required: false}]\nenvironment: [B=own, OUT, NONE]"), files: files,
      environment: ["OUT": "x"])
    #expect(good.stack?.services[0].environment.map { "\($0.name)=\($0.value)" } == ["A=1", "B=own", "N=x", "OUT=x"])
    let bad = load(service("env_file:\n  - a.env\n  - none.env\n  - sub/b.env"), files: files)
    #expect(
      lines(bad, .error) == [
        "6:9: cannot read the env_file \"none.env\": no such file | create it, or write {path: none.env, required: false}",
        "2:1: \"BAD LINE\" is not a variable name | a line is NAME=value, a comment begins with #",
      ])
    #expect(bad.diagnostics.last?.file == "sub/b.env")
  }
}
