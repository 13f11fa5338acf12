import Foundation
import TestSupport
import Testing

/// What a person, a directory of artifacts, and the page of a run in CI get to see of a failure.
@Suite(.privateNamespace, .serialized)
struct FailureReportTests {
  /// How a service ends, and what is said of it.
  private static let ends: [(service: String, message: String)] = [
    ("{rootfs: ./root, command: [sh, -c, 'seq 1 50; exit 3']}", "bad-1 exited with code 3\n"),
    ("{rootfs: ./root, command: [sh, -c, 'kill -USR1 $$$$; sleep 9'], init: true}", "bad-1 exited with code 138"),
    (
      "{rootfs: ./root, command: [dd, if=/dev/zero, of=/dev/null, bs=64M, count=1], mem_limit: 16m}",
      "bad-1 was killed: it ran out of memory (mem_limit)"
    ),
    (
      "{rootfs: ./root, command: [pwd], seccomp: ./kill.json}",
      "bad-1 was killed by SIGSYS: its seccomp filter forbids the system call getcwd"
    ),
    (
      "{rootfs: ./root, command: [sleep, '1000'], healthcheck: {test: 'echo on fire; exit 3', interval: 50ms, retries: 2}}",
      "bad-1 is unhealthy\n  needed by: app\n  its check said:\n    on fire"
    ),
    (
      "{rootfs: ./root, command: [sh, -c, 'exit 1'], restart: on-failure:1}",
      "bad-1 exited with code 1, after 1 restarts"
    ),
  ]

  @Test func theReasonIsNamed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write(
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["getcwd"], "action": "SCMP_ACT_KILL_PROCESS"}]}"#,
        to: "kill.json")
      for end in Self.ends {
        let condition = end.service.contains("healthcheck") ? "service_healthy" : "service_completed_successfully"
        try fixture.file(
          """
            bad: \(end.service)
            app: {rootfs: ./root, command: [sleep, '1000'], depends_on: {bad: {condition: \(condition)}}}
          """)
        let up = try fixture.stack("up", "-d")
        #expect(up.code == 1)
        #expect(up.errors.contains(end.message), "\(end.service): \(up.errors)")
        #expect(up.errors.contains("needed by: app"))
      }
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func theLastLinesGoToPeopleArtifactsAndThePageOfTheRun() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  bad: {rootfs: ./root, command: [sh, -c, 'seq 1 50; echo 100%; exit 3'], ready: {tcp: 80}}")
      let test = try fixture.run(
        "/usr/bin/env", ["GITHUB_ACTIONS=true", StackFixture.binary, "test", "--report", "report", "--", "true"])
      #expect(test.code == 1)
      let last = (32...50).map { "    \($0)\n" }.joined() + "    100%\n"
      #expect(test.errors.contains("  its last lines:\n\(last)") && !test.errors.contains("    31\n"), "\(test.errors)")
      #expect(test.output.contains("::error title=service bad::exited with code 3%0A"))
      #expect(test.output.contains("%0A47%0A48%0A49%0A50%0A100%25\n"))
      #expect(try fixture.text("report/report.txt").contains(last))
      let name = try #require(
        try FileManager.default.contentsOfDirectory(atPath: "\(fixture.directory)/report").first {
          $0.hasSuffix(".log")
        })
      #expect(try fixture.text("report/\(name)") == (1...50).map { "\($0)\n" }.joined() + "100%\n")
    }
  }

  /// What ended before, and has nothing to do with what was asked for, is not shown.
  @Test func aFailureIsAboutWhatWasAskedFor() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          job: {rootfs: ./root, command: [sh, -c, 'echo of the job; exit 5']}
          a: {rootfs: ./root, command: [sleep, '1000']}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.eventually { try fixture.stack("ps", "-a").output.contains("Exited (5)") })
      let run = try fixture.stack("run", "--rm", "a", "nosuch")
      #expect(run.code == 1 && run.errors.contains("execute nosuch"))
      #expect(!run.errors.contains("of the job"), "\(run.errors)")
    }
  }
}
