import Foundation
import TestSupport
import Testing

/// What runs before a service starts, after it has, and before it stops.
@Suite(.privateNamespace)
struct HookTests {
  private func lines(_ fixture: StackFixture, _ file: String) -> [String] {
    let text = (try? fixture.text(file)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  @Test func stepsBeforeAStartAreDoneOnceAndInOrder() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      func file(_ services: String) throws { try fixture.file(services, "volumes: {data: {}}") }
      let steps = """
            pre_start:
              - {command: [sh, -c, 'echo "$$A $$(hostname)" >> /out/steps'], environment: {A: one}}
              - {command: [sh, -c, 'echo two >> /out/steps; test -e /proc/1'], user: '1000'}
        """
      let service = """
          web:
            rootfs: ./root
            command: [sh, -c, 'cat /out/steps; exec sleep 1000']
            volumes: ['./www:/out']
            restart: always
            depends_on: {db: {condition: service_healthy}}
        """
      try FileManager.default.createDirectory(atPath: "\(fixture.directory)/www", withIntermediateDirectories: true)
      try fixture.run("/bin/chmod", ["777", "www"])
      let db = "  db: {rootfs: ./root, command: [sh, -c, 'sleep 0.2; touch /x; exec sleep 1000'], ready: {file: /x}}\n"
      try file(db + service + "\n" + steps)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(up.errors.contains("-web-pre_start.1 Completed"))
      #expect(lines(fixture, "www/steps") == ["one web-pre-start-0", "two"])
      #expect(try fixture.eventually { try fixture.stack("logs", "web").output.contains("web-1 ") })
      #expect(try fixture.stack("ps", "--services").output == "db\nweb\n")
      #expect(try fixture.stack("ps", "-a", "-q").output.split(separator: "\n").count == 4)

      // Not beside what runs, not by its restart, nor by a replica more; again when it is made anew.
      #expect(try fixture.stack("up", "-d", "--scale", "web=2").code == 0)
      #expect(try fixture.stack("stop", "web").code == 0)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("restart", "-t", "0", "web").code == 0)
      #expect(lines(fixture, "www/steps").count == 2)
      #expect(try fixture.stack("up", "-d", "-t", "0", "--force-recreate", "--no-deps", "web").code == 0)
      #expect(lines(fixture, "www/steps").count == 4)
      // `create` makes them too, and `start` starts with them.
      #expect(try fixture.stack("rm", "-f", "-s", "web").code == 0)
      #expect(try fixture.stack("create", "web").code == 0)
      #expect(lines(fixture, "www/steps").count == 4)
      let start = try fixture.stack("start", "web")
      #expect(start.code == 0, "\(start.errors)")
      #expect(lines(fixture, "www/steps").count == 6)
      #expect(try fixture.stack("down", "-t", "0").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func aStepThatFailsKeepsTheServiceFromStarting() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          web:
            rootfs: ./root
            command: [touch, /out/started]
            volumes: ['./www:/out']
            pre_start: [{command: ['true']}, {command: [sh, -c, 'echo no table >&2; exit 17']}]
          front: {rootfs: ./root, command: [sleep, '1000'], depends_on: [web]}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 1)
      #expect(
        up.errors.contains("pre_start[1] exited with code 17") && up.errors.contains("    no table\n"), "\(up.errors)")
      #expect(
        lines(fixture, "www/started").isEmpty
          && !FileManager.default.fileExists(atPath: "\(fixture.directory)/www/started"))
      #expect(try fixture.leftovers() == [])
      // Tried again, from the first.
      let kept = try fixture.stack("up", "-d", "--keep")
      #expect(kept.code == 1)
      #expect(try fixture.stack("ps", "-a").output.contains("Exited (17)"))
      #expect(try fixture.stack("up", "-d").code == 1)
    }
  }

  @Test func servicesPrepareForTheirStopAtTheSameTime() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let service = """
        {rootfs: ./root, command: [sleep, '1000'], init: true, pre_stop: [{command: [sh, -c, 'sleep 0.5; echo $$HOSTNAME >> /out/stops']}], volumes: ['./www:/out']}
        """
      try fixture.file((1...4).map { "  s\($0): \(service)" }.joined(separator: "\n"))
      #expect(try fixture.stack("up", "-d").code == 0)
      let began = ContinuousClock.now
      // Even when nothing is waited for: what a service has to do first is its own matter.
      #expect(try fixture.stack("stop", "-t", "0").code == 0)
      #expect(ContinuousClock.now - began < .milliseconds(1500 * StackFixture.patience))
      #expect(lines(fixture, "www/stops").sorted() == ["s1", "s2", "s3", "s4"])
    }
  }

  @Test func whatHooksWriteIsInTheLogOfTheirService() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a:
            rootfs: ./root
            command: [sh, -c, 'trap "echo end; exit" TERM; echo begin; touch /tmp/up; while true; do sleep 0.02; done']
            ready: {file: /tmp/up}
            post_start:
              - {command: [sh, -c, 'while ! test -e /tmp/up; do sleep 0.01; done; echo hello; echo dear >&2; printf friend']}
              - {command: [seq, '20000']}
            pre_stop: [{command: [sh, -c, 'echo; echo goodbye']}]
        """)
      let up = try fixture.stack("up", "--wait")
      #expect(up.code == 0 && !up.errors.contains("dear"), "\(up.errors)")
      let numbers = (1...20_000).map { "\($0)" }
      let begun = ["begin", "hello", "dear", "friend1"] + numbers.dropFirst()
      func lines() throws -> [String] {
        try fixture.stack("logs", "--no-log-prefix").output.split(separator: "\n").map(String.init)
      }
      // At once: what a hook has written is there when the command has returned.
      #expect(Set(try lines()) == Set(begun))
      #expect(try lines().filter { $0 != "dear" } == begun.filter { $0 != "dear" })
      #expect(try fixture.stack("stop").code == 0)
      #expect(try lines().suffix(2) == ["goodbye", "end"])
      // Also in the next run, and where no log is kept.
      #expect(try fixture.stack("start").code == 0)
      #expect(try lines().suffix(1) == ["20000"])
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '9'], logging: {driver: none}, post_start: [{command: [seq, '9']}]}")
      #expect(try fixture.stack("up", "-d", "-t", "0").code == 0)
    }
  }

  @Test func aHookThatFailsIsSaidAndKeepsNothing() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sleep, '1000'], pre_stop: [{command: [sh, -c, 'echo about; echo no luck >&2; exit 9']}]}
          b: {rootfs: ./root, command: [sleep, '1000']}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let down = try fixture.stack("down")
      #expect(down.code == 1)
      #expect(
        down.errors.contains("a hook exited with status 9: sh -c echo about; echo no luck >&2; exit 9\n    no luck\n"),
        "\(down.errors)")
      #expect(try fixture.leftovers() == [])
    }
  }
}
