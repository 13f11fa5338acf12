import Foundation
import Glibc
import TestSupport
import Testing

/// What CI relies on: the exit codes of docker compose 2.40, but where it hides a failure or a success.
///
/// A failure that docker compose can only call 1 has a code of its own here where there is a reason to tell it apart: 2 usage,
/// 3 the file, 4 an image, 5 the machine. `exec` of what there is not ends with 127, as a shell does, not with 126.
@Suite(.privateNamespace, .serialized)
struct ExitCodeTests {
  /// What services there are, the command, its code, and a part of what it says.
  private typealias Row = (services: String, command: [String], code: Int32, text: String)

  private static func service(_ name: String, _ script: String, _ more: String = "") -> String {
    "  \(name): {rootfs: ./root, command: [sh, -c, '\(script)']\(more.isEmpty ? "" : ", " + more)}\n"
  }

  private static let sleeper = service("a", "exec sleep 1000")
  private static let three = service("b", "exit 3")
  private static let good = service("a", "sleep 0.1")
  private static let long = service("a", "exec sleep 1000", "init: true")
  private static let unhealthy = service(
    "a", "exec sleep 1000", "healthcheck: {test: 'false', interval: 50ms, retries: 1}")
  private static let checked = service("a", "exec sleep 1000", "healthcheck: {test: 'true', interval: 1s}")

  private static func job(_ code: Int) -> String {
    service("job", "exit \(code)")
      + service("app", "exec sleep 1000", "depends_on: {job: {condition: service_completed_successfully}}")
  }

  private static let rows: [Row] = [
    // Attached.
    (good + three, ["up"], 0, "b-1 exited with code 3"),
    (sleeper + three, ["up", "--abort-on-container-exit"], 3, "Aborting on container exit..."),
    (sleeper + service("b", "exit 0"), ["up", "--abort-on-container-exit"], 0, "b-1 exited with code 0"),
    (
      sleeper + service("b", "exit 0") + service("c", "sleep 0.2; exit 4"), ["up", "--abort-on-container-failure"], 4,
      ""
    ),
    (sleeper + three, ["up", "--exit-code-from", "b"], 3, ""),
    (long + three, ["up", "--exit-code-from", "a"], 143, "a-1 exited with code 143"),
    (sleeper + three, ["up", "--exit-code-from", "a"], 137, ""),
    (sleeper, ["up", "--exit-code-from", "zzz"], 1, "no such service: zzz"),
    (sleeper, ["up", "nope"], 1, "no such service: nope"),
    (sleeper, ["run", "zz"], 1, "no such service: zz"),
    (sleeper, ["logs", "nope"], 1, "nope"),
    (sleeper, ["up", "-d", "--abort-on-container-exit"], 1, "--detach cannot be combined with"),
    // Detached.
    (three, ["up", "-d"], 0, ""),
    (checked, ["up", "--wait"], 0, ""),
    (unhealthy, ["up", "--wait"], 1, "is unhealthy"),
    (
      unhealthy + service("b", "true", "depends_on: {a: {condition: service_healthy}}"), ["up", "-d"], 1, "is unhealthy"
    ),
    (
      service("a", "exec sleep 9", "ready: {tcp: 9}"), ["up", "--wait", "--wait-timeout", "1"], 1,
      "is not ready after 1 s"
    ),
    (job(9), ["up", "-d"], 1, "exited with code 9"),
    (job(0), ["up", "--wait"], 0, ""),
    // docker compose: 1, because a job that nobody depends on is taken for a service that died.
    (service("a", "exit 0"), ["up", "--wait"], 0, ""),
    // One command.
    (sleeper, ["run", "--rm", "-T", "a", "sh", "-c", "exit 4"], 4, ""),
    (sleeper, ["exec", "-T", "a", "sh", "-c", "exit 7"], 7, ""),
    (sleeper, ["exec", "-T", "nope", "true"], 1, #"service "nope" is not running"#),
    (sleeper, ["exec", "-T", "a", "nosuch"], 127, "nosuch"),
    (sleeper, ["port", "a", "99"], 1, "no port 99/tcp"),
    (sleeper, ["wait", "a", "--nosuch"], 2, "--nosuch"),
    (service("a", "exec sleep 1000", "ports: ['127.0.0.1::80']"), ["port", "a", "80"], 0, ""),
    (service("a", "exit 6"), ["wait", "a"], 6, ""),
    (sleeper, ["wait", "nope"], 1, "no such service: nope"),
    // What is as it is wanted is no failure.
    (sleeper, ["down"], 0, ""), (sleeper, ["stop"], 0, ""), (sleeper, ["kill"], 0, "Killed"),
    (sleeper, ["rm", "-f"], 0, "No stopped containers"), (sleeper, ["restart", "-t", "0"], 0, ""),
    (sleeper, ["pause"], 0, ""), (sleeper, ["ps", "--format", "json"], 0, ""), (sleeper, ["ls"], 0, ""),
    (sleeper, ["images", "--format", "json"], 0, ""), (sleeper, ["top"], 0, ""),
    (sleeper, ["events", "--json", "--since", "1h", "--until", "0s"], 0, ""),
    (sleeper, ["--dry-run", "up", "-d"], 0, "DRY-RUN MODE"), (sleeper, ["config", "-q"], 0, ""),
    // docker compose: always 1.
    ("  a: {image: nothere, pull_policy: never}", ["up", "-d"], 4, "nothere"),
    ("  a: {imgae: x}", ["config"], 3, "did you mean"), (sleeper, ["-f", "nofile.yaml", "config"], 3, "nofile.yaml"),
    (sleeper, ["up", "--bogus"], 2, "Unknown option"), (sleeper, ["port", "a", "none"], 2, "none"),
  ]

  private static let needsContainers: Set = [
    "exec", "port", "run", "wait", "stop", "kill", "rm", "restart", "pause", "ps", "ls", "images", "top", "events",
  ]

  @Test func whatHasStoppedAndWhatLeftTheFileIsNoSurprise() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(Self.long + Self.service("b", "exec sleep 1000"))
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("stop", "-t", "0", "a").code == 0)
      let exec = try fixture.stack("exec", "-T", "a", "true")
      #expect(exec.code == 1 && exec.errors.contains(#"service "a" is not running"#))
      // By SIGTERM or SIGKILL, as it was fast enough or not.
      #expect(try [143, 137].contains(fixture.stack("wait", "a").code))
      // An orphan: `up` warns of it, and `down` takes it and its network along.
      try fixture.file(Self.long)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0 && up.errors.contains("\(fixture.project)-b-1"), "\(up.errors)")
      #expect(try fixture.stack("down", "-t", "0").code == 0)
      #expect(try fixture.leftovers() == [])
      #expect(try fixture.stack("down").code == 0)
    }
  }

  @Test func eachCommandEndsWithTheCodeThatScriptsExpect() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      for row in Self.rows {
        try fixture.file(row.services)
        if Self.needsContainers.contains(row.command[0]), row.command.last != "zz" {
          #expect(try fixture.stack("up", "-d").code == 0)
        }
        let outcome = try fixture.run(StackFixture.binary, row.command)
        #expect(outcome.code == row.code, "\(row.command): \(outcome.errors)")
        #expect(row.text.isEmpty || outcome.errors.contains(row.text), "\(row.command): \(outcome.errors)")
        #expect(try fixture.stack("-p", fixture.project, "down", "-t", "0").code == 0)
      }
    }
  }

  @Test func aSignalIs130AndTheContainersStay() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(Self.sleeper)
      for signal in [SIGINT, SIGTERM] {
        let up = try fixture.start("/bin/sh", ["-c", "exec \(StackFixture.binary) up 2>progress\(signal)"])
        #expect(fixture.eventually { (try? fixture.text("progress\(signal)"))?.contains(" Started (") ?? false })
        up.signal(signal)
        #expect(try up.wait(seconds: 9) == 130)
        #expect(try fixture.stack("ps", "-a").output.contains("Exited (137)"))
      }
    }
  }
}
