import Foundation
import Glibc
import TestSupport
import Testing

/// What is said, and what goes on, when a part of ours or of the machine is not as it should be.
@Suite(.privateNamespace, .serialized)
struct FaultTests {
  /// The process of a program of ours whose first argument is this.
  static func process(_ name: String, _ argument: String) throws -> pid_t? {
    for pid in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init) {
      let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
      if line.contains("\0\(name)\0") || line.hasPrefix("stack \(name)"), line.contains(argument) { return pid }
    }
    return nil
  }

  @Test func whatAFailedUpTakesBackEndsAtOnceAndInSilence() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a:
            rootfs: ./root
            command: [sh, -c, 'trap "" TERM; trap : USR1; touch /tmp/up; while true; do sleep 0.05; done']
            stop_signal: SIGUSR1
            healthcheck: {test: cat /tmp/up}
          b: {rootfs: ./root, command: [nosuch], depends_on: {a: {condition: service_healthy}}}
        """)
      for before in ["", "  c: {rootfs: ./root, command: [sleep, '1000']}\n"] {
        if !before.isEmpty {
          let file = try fixture.text("stack.yaml")
          try fixture.file(before)
          #expect(try fixture.stack("up", "-d").code == 0)
          try fixture.write(file + before, to: "stack.yaml")
        }
        let up = try fixture.stack("up", "-d")
        #expect(up.code == 1)
        #expect(!up.errors.contains("Killed") && !up.errors.contains("Stopped"), "\(up.errors)")
        #expect(try fixture.stack("ps", "-aq").output.split(separator: "\n").count == (before.isEmpty ? 0 : 1))
      }
    }
  }

  @Test func theEndOfTheProcessThatMakesShimsIsNamed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sleep, '1000'], ready: {file: /tmp/go}}
          b: {rootfs: ./root, command: [sleep, '1000'], depends_on: {a: {condition: service_healthy}}}
        """)
      let up = try fixture.start("/bin/sh", ["-c", "exec \(StackFixture.binary) up -d 2>up.err"])
      #expect(try fixture.eventually { try fixture.run(StackFixture.binary, ["ps", "-q"]).output != "" })
      kill(try #require(try Self.process("shims", fixture.directory)), SIGKILL)
      let ready = try fixture.stack("exec", "a", "touch", "/tmp/go")
      #expect(ready.code == 0, "\(ready.errors)")
      #expect(try up.wait(seconds: 10) == 1)
      let errors = try fixture.text("up.err")
      #expect(
        errors.contains(
          /b: cannot start: start: the process that makes shims \(stack shims, pid \d+\) has ended: signal SIGKILL/),
        "\(errors)")
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func execWaitsForAContainerThatIsBeingStarted() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      for _ in 0..<6 {
        // Who starts it gets less of the processor: it is more often seen before it runs.
        let up = try fixture.start("/usr/bin/nice", ["-n", "10", StackFixture.binary, "up", "-d"])
        #expect(
          try fixture.eventually(seconds: 20) { try fixture.run(StackFixture.binary, ["ps", "-q"]).output != "" })
        let exec = try fixture.stack("exec", "a", "true")
        #expect(exec.code == 0, "\(exec.errors)")
        #expect(try up.wait(seconds: 30) == 0)
        #expect(try fixture.stack("down").code == 0)
      }
    }
  }

  @Test func aGatewayWhosePort53IsTakenIsNamed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write(
        """
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(('0.0.0.0', 53))
        open('bound', 'w').close()
        s.recvfrom(1)
        """, to: "server.py")
      let server = try fixture.start("/usr/bin/python3", ["server.py"])
      defer { _ = try? server.wait(seconds: 0) }
      #expect(fixture.eventually { FileManager.default.fileExists(atPath: "\(fixture.directory)/bound") })
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000']}\n  b: {rootfs: ./root, command: [sleep, '1000']}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0)
      #expect(
        up.errors.contains(/port 53\/udp of its gateway 10\.[0-9.]+ is in use by .*server\.py \(pid \d+\)/),
        "\(up.errors)")
      #expect(try fixture.exec("a", "grep -c 'b-1' /etc/hosts") == "1")
    }
  }

  @Test func namesOfTheOutsideAreFoundWhileThereIsNoSupervisor() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000'], dns: 192.0.2.53}\n  b: {rootfs: ./root, command: [sleep, '1000']}"
      )
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(
        try fixture.exec("a", "grep nameserver /etc/resolv.conf").wholeMatch(
          of: /nameserver 10\.[0-9.]+\.1\nnameserver 192\.0\.2\.53/) != nil)
    }
  }
}
