import Foundation
import Glibc
import TestSupport
import Testing

/// The main path with the built binary: up, reached, read, and gone without a trace.
@Suite(.privateNamespace, .serialized)
struct LifeTests {
  @Test func aStackComesUpAnswersAndGoesWithoutATrace() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("it works\n", to: "page.html")
      try fixture.file(
        """
          web:
            rootfs: ./root
            command: [httpd, -f, -p, "80", -h, /www]
            ports: ["127.0.0.1:18190:80", "80"]
            volumes: ["./page.html:/www/index.html:ro"]
          client:
            rootfs: ./root
            command: [sleep, "1000"]
            depends_on: [web]
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(up.output == "")
      let page = try fixture.run("/usr/bin/curl", ["-s", "-m", "5", "http://127.0.0.1:18190/"])
      #expect(page.output == "it works\n")
      #expect(try fixture.exec("client", "wget -qO- http://web/") == "it works")
      let rows = try fixture.stack("ps", "--format", "json").output.split(separator: "\n")
      #expect(rows.count == 2)
      #expect(rows.allSatisfy { $0.contains(#""State":"running""#) })
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func aFreePortIsChosenAndShown() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  web: {rootfs: ./root, command: [httpd, -f, -p, '80', -h, /www], ports: ['80']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let row = try fixture.stack("ps", "--format", "json").output
      let port = try #require(row.firstMatch(of: /"PublishedPort":(\d+)/).map { String($0.1) })
      #expect(
        try fixture.run(
          "/usr/bin/curl", ["-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:\(port)/"]
        ).output == "404")
    }
  }

  @Test func upChangesOnlyWhatDiffers() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      func pids() throws -> [String] {
        try ["a", "b"].map { service in
          try fixture.stack("inspect", service).output.firstMatch(of: /"Pid": (\d+)/).map { String($0.1) } ?? "none"
        }
      }
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000']}\n  b: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let before = try pids()
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try pids() == before)
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000']}\n  b: {rootfs: ./root, command: [sleep, '2000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let after = try pids()
      #expect(after[0] == before[0])
      #expect(after[1] != before[1])
    }
  }

  @Test func upOfOneServiceLeavesThePortsOfTheOthers() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("here\n", to: "root/www/index.html")
      try fixture.file(
        """
          a: {rootfs: ./root, command: [httpd, -f, -p, '80', -h, /www], ports: ['18193:80']}
          b: {rootfs: ./root, command: [sleep, '1000']}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("up", "-d", "b").code == 0)
      let page = try fixture.run("/usr/bin/curl", ["-s", "-m", "5", "http://127.0.0.1:18193/"])
      #expect(page.output == "here\n")
    }
  }

  @Test func aJobIsWaitedForAndItsFailureStopsWhatNeedsIt() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          job: {rootfs: ./root, command: [sh, -c, 'exit 9']}
          app:
            rootfs: ./root
            command: [sleep, '1000']
            depends_on: {job: {condition: service_completed_successfully}}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 1)
      #expect(up.errors.contains("app"))
      #expect(up.errors.contains("9"))
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func whatCannotStartIsNamedAndTakenBack() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  good: {rootfs: ./root, command: [sleep, '1000']}\n  bad: {rootfs: ./root, command: [nosuch]}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 1)
      #expect(up.errors.contains("bad: cannot start: execute nosuch: not found in PATH"))
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func aBusyPortIsReportedBeforeAnythingIsMade() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  web: {rootfs: ./root, command: [sleep, '1000'], ports: ['18191:80']}")
      let server = try fixture.start("/usr/bin/python3", ["-m", "http.server", "18191"])
      defer { _ = try? server.wait(seconds: 0) }
      #expect(
        try fixture.eventually {
          try fixture.run("/usr/bin/curl", ["-s", "-m", "1", "http://127.0.0.1:18191/"]).code == 0
        })
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 5)
      #expect(up.errors.contains("port 0.0.0.0:18191/tcp is already in use by"))
      #expect(up.errors.contains("(pid \(server.pid))"))
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func attachedUpEndsWithItsServicesAndShowsAllTheyWrote() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          one: {rootfs: ./root, command: [sh, -c, 'echo first; echo second >&2; printf third']}
        """)
      let up = try fixture.stack("up")
      #expect(up.code == 0)
      #expect(up.output == "one-1  | first\none-1  | third\n")
      #expect(up.errors.contains("one-1  | second\n"))
      #expect(up.errors.contains("one-1 exited with code 0"))
    }
  }

  @Test func theFirstSignalStopsGracefully() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          one: {rootfs: ./root, command: [sh, -c, 'trap "echo got TERM; exit 0" TERM; echo ready; while true; do sleep 0.05; done']}
        """)
      let up = try fixture.start(StackFixture.binary, ["up"])
      let out = URL(fileURLWithPath: "\(fixture.directory)/out")
      #expect(try fixture.eventually { try String(contentsOf: out, encoding: .utf8).contains("ready") })
      up.signal(SIGINT)
      #expect(try up.wait(seconds: 20) == 130)
      #expect(try String(contentsOf: out, encoding: .utf8).contains("one-1  | got TERM"))
    }
  }

  @Test func execHasATerminalWhenTheUserHas() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  one: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      // script(1) runs a command on a terminal of its own.
      let command = "stty rows 40 cols 91; \(StackFixture.binary) exec one sh -c 'tty; stty size; exit 3'"
      let outcome = try fixture.run("/usr/bin/script", ["--quiet", "--return", "--command", command, "/dev/null"])
      #expect(outcome.output.contains("/dev/pts/0"), "\(outcome.output)")
      #expect(outcome.output.contains("40 91"), "\(outcome.output)")
      #expect(outcome.code == 3)
    }
  }

  @Test func theSecondSignalKills() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          one: {rootfs: ./root, command: [sh, -c, 'trap "echo no" TERM; echo ready; while true; do sleep 0.05; done']}
        """)
      let up = try fixture.start(StackFixture.binary, ["up"])
      let out = URL(fileURLWithPath: "\(fixture.directory)/out")
      #expect(try fixture.eventually { try String(contentsOf: out, encoding: .utf8).contains("ready") })
      up.signal(SIGINT)
      #expect(try fixture.eventually { try String(contentsOf: out, encoding: .utf8).contains("| no") })
      up.signal(SIGINT)
      #expect(try up.wait(seconds: 5) == 130)
      #expect(try fixture.stack("ps", "-a").output.contains("Exited (137)"))
    }
  }

  @Test func whatLeftTheFileIsNamed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let kept = "  kept: {rootfs: ./root, command: [sleep, '1000']}"
      try fixture.file(kept + "\n  gone: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      try fixture.file(kept)
      #expect(
        try fixture.stack("up", "-d").errors.contains(
          "Warning: orphan containers, of no service of the file or left by run: \(fixture.project)-gone-1;"))
      #expect(try fixture.stack("ps", "--services").output == "gone\nkept\n")
      #expect(try fixture.stack("up", "-d", "--remove-orphans").code == 0)
      #expect(try fixture.stack("ps", "--services").output == "kept\n")
    }
  }

  @Test func logsAreExactAndSelected() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  one: {rootfs: ./root, command: [sh, -c, 'seq 1 20000; printf end']}")
      #expect(try fixture.stack("up").code == 0)
      let lines = try fixture.stack("logs", "--no-log-prefix").output.split(separator: "\n")
      #expect(lines == (1...20000).map { "\($0)"[...] } + ["end"])
      #expect(try fixture.stack("logs", "--tail", "2").output == "one-1  | 20000\none-1  | end\n")
    }
  }
}
