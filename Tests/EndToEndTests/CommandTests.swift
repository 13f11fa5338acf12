import Foundation
import Glibc
import TestSupport
import Testing

/// The commands between `up` and `down`.
@Suite(.privateNamespace, .serialized)
struct CommandTests {
  private func state(of service: String, _ fixture: StackFixture) throws -> String {
    let row = try fixture.stack("ps", "-a", "--format", "json", service).output
    return row.firstMatch(of: /"State":"(\w+)"/).map { String($0.1) } ?? "none"
  }

  private func makePair(_ fixture: StackFixture) throws {
    try fixture.file(
      """
        a: {rootfs: ./root, command: [sleep, '1000']}
        b: {rootfs: ./root, command: [sleep, '1000'], depends_on: {a: {condition: service_started, restart: true}}}
      """)
  }

  @Test func containersAreCreatedStartedPausedKilledAndRemoved() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makePair(fixture)
      #expect(try fixture.stack("create").code == 0)
      #expect(try state(of: "b", fixture) == "created")
      #expect(try fixture.stack("start", "b").code == 0)
      #expect(try [state(of: "a", fixture), state(of: "b", fixture)] == ["running", "running"])
      let ids = try fixture.stack("ps", "-q").output
      #expect(try fixture.stack("pause", "a").code == 0)
      #expect(try state(of: "a", fixture) == "paused")
      #expect(try fixture.stack("unpause", "a").code == 0)
      #expect(try state(of: "a", fixture) == "running")
      #expect(try fixture.stack("restart", "a").code == 0)
      #expect(try fixture.stack("ps", "-q").output == ids)
      #expect(try fixture.stack("kill", "-s", "KILL", "b").code == 0)
      #expect(try state(of: "b", fixture) == "exited")
      #expect(try fixture.stack("rm", "-f").code == 0)
      #expect(try [state(of: "a", fixture), state(of: "b", fixture)] == ["running", "none"])
      #expect(try fixture.stack("rm", "-f", "-s", "a").code == 0)
      #expect(try state(of: "a", fixture) == "none")
    }
  }

  @Test func aPausedServiceCanBeStopped() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makePair(fixture)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("pause").code == 0)
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func restartTakesThoseAlongThatWantIt() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      func pids() throws -> [String] {
        try ["a", "b"].map {
          try fixture.stack("inspect", $0).output.firstMatch(of: /"Pid": (\d+)/).map { String($0.1) } ?? "none"
        }
      }
      try makePair(fixture)
      #expect(try fixture.stack("up", "-d").code == 0)
      let before = try pids()
      #expect(try fixture.stack("restart", "a").code == 0)
      let after = try pids()
      #expect(before[0] != after[0] && before[1] != after[1])
      #expect(try fixture.stack("restart", "--no-deps", "a").code == 0)
      #expect(try pids()[1] == after[1])
    }
  }

  /// docker compose: the last one's code counts, and one that has ended already is an error.
  @Test func waitEndsAsTheFirstThatFailed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sh, -c, 'exit 5']}
          b: {rootfs: ./root, command: [sh, -c, 'sleep 0.3']}
          c: {rootfs: ./root, command: [sleep, '1000']}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let both = try fixture.stack("wait", "a", "b")
      #expect(both.code == 5)
      #expect(both.output == "a-1 exited with code 5\nb-1 exited with code 0\n")
      #expect(try fixture.stack("wait", "a").code == 5)
      #expect(try fixture.stack("wait", "--any", "b", "c").code == 0)
    }
  }

  @Test func runHasItsStreamsItsCodeAndWhatItDependsOn() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          db: {rootfs: ./root, command: [sleep, '1000']}
          job: {rootfs: ./root, command: [cat, /etc/hostname], depends_on: [db], environment: {A: '1'}, ports: ['18401:80']}
          other: {rootfs: ./root, command: [sleep, '1000']}
        """)
      let run = try fixture.stack("run", "--rm", "-e", "B=2", "job", "sh", "-c", "echo out $A $B; echo err >&2; exit 4")
      #expect(run.code == 4)
      #expect(run.output == "out 1 2\n")
      #expect(run.errors.contains("err\n"))
      #expect(try [state(of: "db", fixture), state(of: "other", fixture)] == ["running", "none"])
      #expect(try state(of: "job", fixture) == "none")
      let echoed = try fixture.run(
        "/bin/sh", ["-c", "printf 'one\\ntwo' | \(StackFixture.binary) run --no-deps -T job cat"])
      #expect(echoed.output == "one\ntwo")
      let kept = try fixture.stack("ps", "-a", "--format", "json", "job").output
      #expect(kept.contains(#""OneOff":true"#) && kept.contains(#""State":"exited""#))
      let detached = try fixture.stack("run", "-d", "--name", "later", "job", "sleep", "1000")
      #expect(detached.output == "later\n")
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func execTakesItsOptions() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000'], scale: 2}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(
        try fixture.stack("exec", "-T", "-u", "app", "-w", "/tmp", "-e", "X=1", "a", "sh", "-c", "id -u; pwd; echo $X")
          .output
          == "1000\n/tmp\n1\n")
      #expect(try fixture.stack("exec", "-T", "--index", "2", "a", "hostname").code == 0)
      #expect(try fixture.stack("exec", "-T", "--index", "3", "a", "true").code == 1)
      #expect(try fixture.stack("exec", "-T", "a", "sh", "-c", "exit 7").code == 7)
      #expect(try fixture.stack("exec", "-T", "a", "nosuch").code == 127)
      #expect(try fixture.stack("exec", "b", "true").errors.contains("service \"b\" is not running"))
      #expect(try fixture.stack("exec", "-d", "a", "touch", "/tmp/detached").code == 0)
      #expect(try fixture.eventually { try fixture.exec("a", "ls /tmp") == "detached" })
    }
  }

  @Test func whatRunsIsListed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000'], ports: ['127.0.0.1:18402:80'], volumes: ['data:/data']}",
        "volumes: {data: {}}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("port", "a", "80").output == "127.0.0.1:18402\n")
      let unmapped = try fixture.stack("port", "a", "99")
      #expect(unmapped.code == 1 && unmapped.errors.contains("no port 99/tcp for container \(fixture.project)-a-1"))
      #expect(try fixture.stack("port", "--env").output == "A_HOST=127.0.0.1\nA_PORT_80=18402\n")
      #expect(try fixture.stack("top").output.contains("sleep 1000"))
      #expect(
        try fixture.stack("ls", "--format", "json").output.contains(
          #""Name":"\#(fixture.project)","Status":"running(1)""#))
      #expect(try fixture.stack("stats", "--no-stream").output.contains("\(fixture.project)-a-1"))
      #expect(try fixture.stack("volumes", "-q").output == "\(fixture.project)_data\n")
    }
  }

  @Test func eventsTellWhatHappens() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000'], healthcheck: {test: 'true'}}")
      #expect(try fixture.stack("up", "--wait").code == 0)
      let events = try fixture.start("/bin/sh", ["-c", "\(StackFixture.binary) events --json >events"])
      usleep(300_000)
      #expect(try fixture.stack("restart", "-t", "0").code == 0)
      #expect(try fixture.eventually { try fixture.text("events").contains("health_status: healthy") })
      #expect(try fixture.stack("down").code == 0)
      #expect(try events.wait(seconds: 5) == 0)
      let actions = try fixture.text("events").matches(of: /"action":"([^"]+)"/).map { String($0.1) }
      #expect(
        actions == ["die", "start", "health_status: healthy", "die", "destroy"] || actions.suffix(1) == ["destroy"])
      #expect(actions.first == "die")
      #expect(try fixture.text("events").contains(#""attributes":{"exitCode":"137","image":"","name":"#))
    }
  }

  @Test func eventsRememberAndEnd() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sleep, '1000'], healthcheck: {test: 'true'}}
          b: {rootfs: ./root, command: [sh, -c, 'exit 3']}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.eventually { try fixture.stack("ps").output.contains("(healthy)") })
      #expect(try fixture.eventually { try fixture.stack("ps", "-a").output.contains("Exited (3)") })
      let past = try fixture.stack("events", "--json", "--since", "1h", "--until", "0s")
      #expect(past.code == 0)
      func actions(_ text: String, _ service: String) -> [String] {
        text.split(separator: "\n").filter { $0.contains("\"service\":\"\(service)\"") }
          .compactMap { $0.firstMatch(of: /"action":"([^"]+)"/).map { String($0.1) } }
      }
      #expect(actions(past.output, "a") == ["create", "start", "health_status: healthy"])
      #expect(actions(past.output, "b") == ["create", "start", "die"])
      #expect(try fixture.stack("events", "--since", "0s", "--until", "0s").output == "")
      let end = String(Date().timeIntervalSince1970 + 3)
      let events = try fixture.start("/bin/sh", ["-c", "\(StackFixture.binary) events --until \(end) >events"])
      usleep(500_000)
      #expect(try fixture.stack("kill", "a").code == 0)
      #expect(try events.wait(seconds: 9) == 0)
      #expect(try fixture.text("events").contains(" container die "))
      #expect(try fixture.stack("events", "--since", "yesterday").code == 2)
    }
  }
}

/// `up` attached: when it ends, and how.
@Suite(.privateNamespace, .serialized)
struct AttachedUpTests {
  private func makeFile(_ fixture: StackFixture) throws {
    try fixture.file(
      """
        good: {rootfs: ./root, command: [sh, -c, 'sleep 0.1']}
        bad: {rootfs: ./root, command: [sh, -c, 'sleep 0.3; exit 3']}
        long: {rootfs: ./root, command: [sleep, '1000']}
      """)
  }

  @Test func theFirstExitStopsTheOthers() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let up = try fixture.stack("up", "--abort-on-container-exit")
      #expect(up.code == 0)
      #expect(up.errors.contains("good-1 exited with code 0"))
      #expect(up.errors.contains("long-1 exited with code 137"))
    }
  }

  @Test func theFirstFailureStopsTheOthersAndIsTheCode() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "--abort-on-container-failure").code == 3)
    }
  }

  @Test func theCodeOfAServiceIsTheCode() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "--exit-code-from", "long").code == 137)
      let wrong = try fixture.stack("up", "--exit-code-from", "zzz")
      #expect(wrong.code == 1 && wrong.errors.contains("no such service: zzz"))
    }
  }

  @Test func onlyTheNamedServicesAreWaitedForAndSomeNotShown() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sh, -c, 'echo one; sleep 0.2'], depends_on: [b, c]}
          b: {rootfs: ./root, command: [sh, -c, 'echo two; exec sleep 1000']}
          c: {rootfs: ./root, command: [sh, -c, 'echo three; exec sleep 1000'], attach: false}
        """)
      let up = try fixture.stack("up", "a")
      #expect(up.code == 0)
      #expect(up.output.contains("one") && up.output.contains("two") && !up.output.contains("three"))
    }
  }

  /// docker compose 2.40: the second Ctrl-C changes nothing.
  @Test func theSecondSignalKills() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  a: {rootfs: ./root, command: [sh, -c, 'trap \"\" TERM; trap : USR1; echo ready; while true; do sleep 0.05; done'], stop_signal: SIGUSR1}"
      )
      let up = try fixture.start(StackFixture.binary, ["up"])
      #expect(try fixture.eventually { try fixture.text("out").contains("ready") })
      up.signal(SIGINT)
      usleep(300_000)
      up.signal(SIGINT)
      #expect(try up.wait(seconds: 5) == 130)
      #expect(try fixture.text("err").contains("Killing"))
    }
  }
}
