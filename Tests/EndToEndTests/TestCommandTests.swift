import Foundation
import Glibc
import TestSupport
import Testing

/// `stack test`: up, run, report, down.
@Suite(.privateNamespace, .serialized)
struct TestCommandTests {
  private func makeFile(_ fixture: StackFixture) throws {
    try fixture.write("it works\n", to: "root/www/index.html")
    try fixture.file(
      """
        web:
          rootfs: ./root
          command: [sh, -c, 'echo serving; sleep 0.2; exec httpd -f -p 80 -h /www']
          ports: ['18501:80']
          ready: {http: ':80/'}
      """)
  }

  private func projects(_ fixture: StackFixture) throws -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: "\(fixture.directory)/run/projects")) ?? []
  }

  @Test func theCommandFindsTheServicesAndItsCodeIsTheCode() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let test = try fixture.stack(
        "test", "--", "/bin/sh", "-c", "curl -s http://$STACK_WEB_HOST:$STACK_WEB_PORT_80/; exit 9")
      #expect(test.output == "it works\n")
      #expect(test.code == 9)
      #expect(try projects(fixture) == [])
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func twoCopiesRunAtTheSameTimeOnTheirOwnNetworks() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let script =
        "\(StackFixture.binary) test --net -- sh -c 'curl -s http://web/; sleep 0.5; curl -s http://web:80/' 2>>errors"
      let both = try fixture.run("/bin/sh", ["-c", "\(script) >one & \(script) >two; wait"])
      #expect(both.code == 0)
      let errors = try fixture.text("errors")
      #expect(try fixture.text("one") == "it works\nit works\n")
      let two = try fixture.text("two")
      #expect(two == "it works\nit works\n", "\(errors)")
      #expect(try projects(fixture) == [])
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func variablesAreTheSameOnTheStacksNetworks() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let test = try fixture.stack(
        "test", "--net", "--", "/bin/sh", "-c",
        "curl -s http://$STACK_WEB_HOST:$STACK_WEB_PORT_80/; echo $STACK_WEB_HOST:$STACK_WEB_PORT_80")
      #expect(test.output == "it works\nweb:80\n")
    }
  }

  @Test func whatIsKeptHasAName() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let test = try fixture.stack("test", "--keep", "--", "true")
      let name = try #require(test.errors.firstMatch(of: /is kept: stack -p (\S+) down -v/)?.1)
      #expect(test.code == 0)
      #expect(try projects(fixture) == [String(name)])
      #expect(try fixture.stack("-p", String(name), "down", "-v").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func aFailureIsReportedAndKept() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  bad: {rootfs: ./root, command: [sh, -c, 'echo cannot find the key >&2; exit 3'], ready: {tcp: 80}}")
      let test = try fixture.stack("test", "--report", "report", "--", "true")
      #expect(test.code == 1)
      #expect(test.errors.contains("bad: exited with code 3"))
      #expect(test.errors.contains("    cannot find the key"))
      #expect(try fixture.text("report/report.txt").contains("cannot find the key"))
      #expect(try projects(fixture) == [])
    }
  }

  @Test func nothingIsLeftWhenItIsKilled() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let test = try fixture.start(
        StackFixture.binary, ["test", "--net", "--", "/bin/sh", "-c", "touch begun; sleep 1000"])
      #expect(fixture.eventually { FileManager.default.fileExists(atPath: "\(fixture.directory)/begun") })
      test.signal(SIGKILL)
      try test.wait(seconds: 5)
      #expect(try fixture.eventually { try projects(fixture) == [] })
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func aSignalIsTheCommandsAndNothingIsLeft() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let test = try fixture.start(
        StackFixture.binary,
        ["test", "--", "/bin/sh", "-c", "trap 'exit 42' TERM; touch begun; while true; do sleep 0.05; done"])
      let hasBegun = fixture.eventually { FileManager.default.fileExists(atPath: "\(fixture.directory)/begun") }
      let errors = try fixture.text("err")
      #expect(hasBegun, "\(errors)")
      test.signal(SIGTERM)
      #expect(try test.wait(seconds: 10) == 42)
      #expect(try projects(fixture) == [])
    }
  }

  @Test func aRunHasVolumesOfItsOwnAndSaysWhatFailed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  a: {rootfs: ./root, command: [sh, -c, 'ls /data; touch /data/mark; exec sleep 1000'], volumes: ['data:/data']}",
        "volumes: {data: {}}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let test = try fixture.run(
        "/usr/bin/env",
        [
          "GITHUB_ACTIONS=true", StackFixture.binary, "test", "--timings", "--report", "report", "--", "sh", "-c",
          "\(StackFixture.binary) -p $STACK_PROJECT_NAME logs --no-log-prefix; exit 4",
        ])
      #expect(test.code == 4)
      // Not what the stack itself, which runs beside it, has written.
      #expect(!test.output.contains("mark"), "\(test.output)")
      #expect(test.output.contains("::error title=stack test::sh -c") && test.errors.contains("critical path, "))
      #expect(try fixture.text("report/report.txt").hasSuffix("ended with code 4; all services are well\n"))
      #expect(try fixture.stack("volumes", "-q").output == "\(fixture.project)_data\n")
    }
  }
}
