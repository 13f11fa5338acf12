import Foundation
import TestSupport
import Testing

/// `--dry-run` says what would be done, and nothing is.
@Suite(.privateNamespace)
struct DryRunTests {
  @Test func everyCommandThatChangesContainersSaysWhatItWouldDo() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          db: {rootfs: ./root, command: [sleep, '1000']}
          web: {rootfs: ./root, command: [sleep, '1000'], depends_on: {db: {condition: service_started, restart: true}}}
          old: {rootfs: ./root, command: [sleep, '1000']}
        """, "volumes: {data: {}}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("stop", "-t", "0", "old").code == 0)
      func state() throws -> [Substring] {
        try fixture.stack("inspect").output.split(separator: "\n").filter { $0.contains(/"(ID|State|Pid)":/) }
      }
      let before = try state()
      /// The parts that would be changed, without the project's name, and what would become of them.
      func changes(_ arguments: String...) throws -> [String] {
        let outcome = try fixture.run(StackFixture.binary, arguments + ["--dry-run"])
        #expect(outcome.code == 0, "\(arguments): \(outcome.errors)")
        #expect(try state() == before, "\(arguments) has changed something")
        return outcome.errors.split(separator: "\n").map {
          String($0).replacing(" DRY-RUN MODE - ", with: "").replacing("Container \(fixture.project)-", with: "")
        }
      }
      #expect(try changes("start") == ["old-1 Started"])
      #expect(try changes("stop") == ["db-1 Stopped", "web-1 Stopped"])
      #expect(try changes("stop", "web") == ["web-1 Stopped"])
      #expect(
        try changes("restart", "db") == ["db-1 Stopped", "web-1 Stopped", "db-1 Started", "web-1 Started"])
      #expect(try changes("restart", "--no-deps", "db") == ["db-1 Stopped", "db-1 Started"])
      #expect(try changes("kill") == ["db-1 Killed", "web-1 Killed"])
      #expect(try changes("pause", "db") == ["db-1 Paused"])
      #expect(try changes("rm") == ["old-1 Removed"])
      #expect(try changes("rm", "-sf", "web") == ["web-1 Stopped", "web-1 Removed"])
      #expect(try changes("scale", "web=2").contains("web-2 Created"))
      #expect(try changes("down", "web") == ["web-1 Stopped", "web-1 Removed"])
      #expect(
        try changes("down", "-v") == [
          "db-1 Stopped", "web-1 Stopped", "db-1 Removed", "old-1 Removed", "web-1 Removed",
          "Network \(fixture.project) Removed",
        ])
      #expect(try fixture.stack("pause", "db").code == 0)
      #expect(try fixture.stack("--dry-run", "unpause", "db").errors.contains("db-1 Unpaused"))
      #expect(try fixture.stack("pause", "--dry-run", "db").code == 1)
      #expect(try fixture.stack("unpause", "db").code == 0)
    }
  }

  @Test func whatCannotBeSaidBeforehandIsRefused() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      for command in [
        ["exec", "a", "touch", "/tmp/done"], ["run", "--rm", "a", "true"], ["cp", "a:/etc/passwd", "copy"],
        ["export", "-o", "tar", "a"], ["commit", "a", "image"], ["attach", "a"], ["test", "--", "touch", "done"],
      ] {
        let outcome = try fixture.run(StackFixture.binary, ["--dry-run"] + command)
        #expect(outcome.code == 2 && outcome.errors.contains("cannot be told beforehand"), "\(command)")
      }
      for file in ["copy", "tar", "done"] {
        #expect(!FileManager.default.fileExists(atPath: "\(fixture.directory)/\(file)"))
      }
      #expect(try fixture.exec("a", "ls /tmp") == "")
      // What only looks does so.
      for command in [["ps"], ["logs"], ["top"], ["images"], ["volumes"], ["port"], ["ls"], ["config", "-q"]] {
        #expect(try fixture.run(StackFixture.binary, ["--dry-run"] + command).code == 0, "\(command)")
      }
    }
  }
}
