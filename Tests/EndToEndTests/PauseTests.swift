import Foundation
import LinuxSystem
import TestSupport
import Testing

/// Containers whose processes are stopped where they are, by `pause` or by what is left of another stack.
@Suite(.privateNamespace, .serialized)
struct PauseTests {
  @Test func nothingIsExecutedInAPausedService() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  one: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("pause").code == 0)
      let exec = try fixture.stack("exec", "one", "true")
      #expect(exec.code == 1)
      #expect(exec.errors == "stack: service \"one\" is paused: \"stack unpause one\" lets it go on\n")
      #expect(try fixture.stack("unpause").code == 0)
      #expect(try fixture.stack("exec", "one", "true").code == 0)
    }
  }

  @Test func aPausedServiceIsNotFoundUnhealthy() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          one:
            rootfs: ./root
            command: [sleep, '1000']
            healthcheck: {test: [CMD, 'true'], interval: 50ms, timeout: 100ms, retries: 1}
        """)
      #expect(try fixture.stack("up", "-d", "--wait").code == 0)
      #expect(try fixture.stack("pause").code == 0)
      // Longer than a check is given that does not even begin.
      usleep(1_400_000)
      #expect(try fixture.stack("ps", "--format", "json").output.contains("\"Health\":\"healthy\""))
      #expect(try fixture.stack("unpause").code == 0)
      #expect(try fixture.stack("ps", "--format", "json").output.contains("\"Health\":\"healthy\""))
      // And the checks go on.
      #expect(try fixture.exec("one", "rm /bin/true") == "")
      #expect(
        try fixture.eventually {
          try fixture.stack("ps", "--format", "json").output.contains("\"Health\":\"unhealthy\"")
        })
    }
  }

  @Test func upStartsOverWhereTheStateOfAPausedStackWasLost() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  one: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("pause").code == 0)
      try Files.removeTree("\(fixture.directory)/run")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("exec", "one", "true").code == 0)
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }
}
