import Foundation
import Glibc
import TestSupport
import Testing

/// In what order and how services are stopped, and what a new supervisor knows of those that were there before it.
@Suite(.privateNamespace, .serialized)
struct StopTests {
  /// A service that takes so many seconds to stop, and says when it begins and ends to.
  private func slow(_ name: String, _ seconds: String, _ more: String = "") -> String {
    let script =
      #"trap "echo begin; sleep \#(seconds); echo end; exit" TERM; touch /tmp/up; while true; do sleep 0.02; done"#
    return "  \(name): {rootfs: ./root, command: [sh, -c, '\(script)'], ready: {file: /tmp/up}\(more)}"
  }

  @Test func inReverseOrderOfDependencyAndAllThatIsIndependentAtOnce() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        [
          slow("db", "0.1", ", scale: 2"), slow("cache", "0.3"), slow("app", "0.3", ", depends_on: [db]"),
          slow("web", "0.1", ", depends_on: [app]"), slow("other", "0.3", ", depends_on: [app]"),
        ].joined(separator: "\n"))
      #expect(try fixture.stack("up", "--wait").code == 0)
      #expect(try fixture.stack("stop").code == 0)
      let order = try fixture.stack("logs").output.split(separator: "\n").map { line in
        line.split { $0 == " " || $0 == "|" }.joined(separator: " ")
      }
      func position(_ line: String) throws -> Int {
        try #require(order.firstIndex { $0 == line }, "\(line) in \(order)")
      }
      // What depends on nobody's end begins at once: before anything has ended.
      let firstEnd = try #require(order.firstIndex { $0.hasSuffix("end") })
      for name in ["cache", "web", "other"] { #expect(try position("\(name)-1 begin") < firstEnd) }
      // The others wait for all that need them, both containers of the database too.
      #expect(try position("app-1 begin") > position("web-1 end"))
      #expect(try position("app-1 begin") > position("other-1 end"))
      for number in 1...2 { #expect(try position("db-\(number) begin") > position("app-1 end")) }
      #expect(try abs(position("db-1 begin") - position("db-2 begin")) == 1)
    }
  }

  @Test func whatCannotHearIsKilledAtOnceAndThatIsSaid() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        (0..<10).map {
          "  s\($0): {rootfs: ./root, command: [sh, -c, 'trap \"\" TERM; touch /tmp/up; while true; do sleep 1000; done'], "
            + "ready: {file: /tmp/up}, stop_grace_period: 10s}"
        }.joined(separator: "\n"))
      #expect(try fixture.stack("up", "--wait").code == 0)
      let begin = Date()
      let down = try fixture.stack("down")
      #expect(Date().timeIntervalSince(begin) < 2)
      #expect(
        down.errors.matches(of: /Container .*-s\d-1 Killed: its PID 1 does not handle SIGTERM/).count == 10,
        "\(down.errors)")
    }
  }

  @Test func aChainOfHealthChecksDoesNotWaitForTheirIntervals() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        (0..<10).map { index in
          let need = index == 0 ? "" : ", depends_on: {c\(index - 1): {condition: service_healthy}}"
          return
            "  c\(index): {rootfs: ./root, command: [sleep, '1000'], healthcheck: {test: 'true', interval: 1s}\(need)}"
        }.joined(separator: "\n"))
      let begin = Date()
      #expect(try fixture.stack("up", "--wait").code == 0)
      // docker compose: 16 s.
      #expect(Date().timeIntervalSince(begin) < 3)
    }
  }

  @Test func aNewSupervisorKnowsWhatTheOldOneKnewAndWhatHappenedMeanwhile() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      func pids() throws -> [String] {
        try ["a", "b"].map { name in
          try fixture.stack("inspect", name).output.firstMatch(of: /"Pid": (\d+)/).map { String($0.1) } ?? "none"
        }
      }
      func row(_ service: String) throws -> String {
        try fixture.stack("ps", "-a", "--format", "json", service).output
      }
      let script = "trap 'exit 7' USR1; touch /tmp/up; while true; do sleep 0.02; done"
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sleep, '1000'], healthcheck: {test: 'true', interval: 1s}}
          b: {rootfs: ./root, command: [sleep, '1000']}
          crash: {rootfs: ./root, command: [sh, -c, "\(script)"], restart: always, ready: {file: /tmp/up}}
          once: {rootfs: ./root, command: [sh, -c, "\(script)"], ready: {file: /tmp/up}}
        """)
      #expect(try fixture.stack("up", "--wait").code == 0)
      let before = try pids()
      let first = try #require(try FaultTests.process("supervise", fixture.project))
      kill(first, SIGKILL)
      #expect(try fixture.eventually { try FaultTests.process("supervise", fixture.project) == nil })
      #expect(try fixture.stack("kill", "-s", "USR1", "once", "crash").code == 0)
      #expect(try fixture.eventually { try row("once").contains(#""ExitCode":7"#) })
      #expect(try row("a").contains(#""Health":"healthy""#))
      // Any command that needs one starts it.
      #expect(try fixture.stack("exec", "a", "true").code == 0)
      #expect(try fixture.eventually { try row("crash").contains(#""State":"running""#) })
      #expect(try row("once").contains(#""ExitCode":7"#))
      #expect(try pids() == before)
      let address = try fixture.stack("inspect", "b").output.firstMatch(of: /"Address": "([0-9.]+)"/).map {
        String($0.1)
      }
      #expect(
        try fixture.eventually {
          try fixture.run(StackFixture.binary, ["exec", "a", "nslookup", "b"]).output.contains(address ?? "none")
        })
      #expect(
        try fixture.eventually {
          try fixture.run(StackFixture.binary, ["exec", "a", "sh", "-c", "nslookup once || true"]).output.contains(
            "NXDOMAIN")
        })
    }
  }
}
