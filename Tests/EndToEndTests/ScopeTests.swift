import Foundation
import TestSupport
import Testing

/// What commands act on that name no services: those of the given file, where several files are one project.
@Suite(.privateNamespace, .serialized)
struct ScopeTests {
  /// Two files of one project: `one.yaml` with a and b, `two.yaml` with c.
  private func withTwoFiles(_ body: (StackFixture, _ states: () throws -> String) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let sleeper = "{rootfs: ./root, command: [sh, -c, 'echo here; exec sleep 1000']}"
      try fixture.write("services:\n  a: \(sleeper)\n  b: \(sleeper)\n", to: "one.yaml")
      try fixture.write("services:\n  c: \(sleeper)\n", to: "two.yaml")
      for file in ["one.yaml", "two.yaml"] {
        let up = try fixture.stack("-f", file, "-p", fixture.project, "up", "-d")
        #expect(up.code == 0, "\(up.errors)")
      }
      try body(fixture) {
        let rows = try fixture.stack("-p", fixture.project, "ps", "-a", "--format", "json").output
        return rows.split(separator: "\n").compactMap { row in
          let service = row.firstMatch(of: /"Service":"(\w+)"/)?.1
          let state = row.firstMatch(of: /"State":"(\w+)"/)?.1
          return service.flatMap { name in state.map { "\(name) \($0)" } }
        }.joined(separator: ", ")
      }
    }
  }

  @Test func aFileStandsForItsServices() throws {
    try withTwoFiles { fixture, states in
      func run(_ file: String, _ words: String...) throws {
        let outcome = try fixture.run(StackFixture.binary, ["-f", file, "-p", fixture.project] + words)
        #expect(outcome.code == 0, "\(words): \(outcome.errors)")
      }
      try run("two.yaml", "pause")
      #expect(try states() == "a running, b running, c paused")
      try run("two.yaml", "unpause")
      try run("one.yaml", "stop", "-t", "0")
      #expect(try states() == "a exited, b exited, c running")
      try run("two.yaml", "kill")
      #expect(try states() == "a exited, b exited, c exited")
      try run("one.yaml", "start")
      #expect(try states() == "a running, b running, c exited")
      try run("two.yaml", "restart", "-t", "0")
      #expect(try states() == "a running, b running, c running")
      try run("one.yaml", "rm", "-f", "-s")
      #expect(try states() == "c running")
    }
  }

  @Test func aNameAloneStandsForAllThatThereIs() throws {
    try withTwoFiles { fixture, states in
      let name = ["STACK_PROJECT_NAME": fixture.project]
      #expect(try fixture.stack("stop", "-t", "0", environment: name).code == 0)
      #expect(try states() == "a exited, b exited, c exited")
      #expect(try fixture.stack("-p", fixture.project, "start").code == 0)
      #expect(try states() == "a running, b running, c running")
      // Beside a name in the environment there is a file, whose services are meant.
      try fixture.write(try fixture.text("two.yaml"), to: "compose.yaml")
      #expect(try fixture.stack("stop", "-t", "0", environment: name).code == 0)
      #expect(try states() == "a running, b running, c exited")
      let none = try fixture.stack("-f", "two.yaml", "-p", "nothing", "kill")
      #expect(none.code == 0 && none.errors == "No container to kill\n")
    }
  }

  @Test func logsAreThoseOfTheFilesServicesThatAreNotLeftOut() throws {
    try withTwoFiles { fixture, _ in
      func logs(_ words: String...) throws -> [Substring] {
        let outcome = try fixture.run(StackFixture.binary, ["-p", fixture.project] + words)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome.output.split(separator: "\n").sorted()
      }
      #expect(try logs("-f", "one.yaml", "logs") == ["a-1  | here", "b-1  | here"])
      #expect(try logs("logs") == ["a-1  | here", "b-1  | here", "c-1  | here"])
      let quiet = try fixture.text("one.yaml").replacing("b: {", with: "b: {attach: false, ")
      try fixture.write(quiet, to: "one.yaml")
      #expect(try logs("-f", "one.yaml", "logs") == ["a-1  | here"])
      #expect(try logs("-f", "one.yaml", "logs", "b") == ["b-1  | here"])
    }
  }

  @Test func flagsMayHaveValues() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("--verbose", "-D", "up", "-d=true", "--wait=false", "--menu=false").code == 0)
      #expect(try fixture.stack("ps", "--all=1", "--quiet=T").output.wholeMatch(of: /[0-9a-f]{64}\n/) != nil)
      // The last word counts.
      #expect(try fixture.stack("ps", "-q", "-q=false", "--services").output == "a\n")
      try fixture.file("  b: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("ps", "--services", "--orphans=false").output == "")
      #expect(try fixture.stack("ps", "--services", "--orphans=true").output == "a\n")
      #expect(try fixture.stack("--dry-run=true", "up", "-d").errors.contains("DRY-RUN MODE"))
      #expect(try fixture.stack("up", "-d=maybe").code == 2)
      // What another program is given stays as it is, and so do values.
      let echo = try fixture.stack(
        "run", "--rm=true", "-T=true", "-e", "X=true", "b", "sh", "-c", "echo $X $0", "--rm=true")
      #expect(echo.output == "true --rm=true\n", "\(echo.errors)")
      #expect(try fixture.stack("ps", "-a", "-q", "b").output == "")
      #expect(try fixture.stack("-v").output == fixture.stack("version", "--short").output)
    }
  }
}
