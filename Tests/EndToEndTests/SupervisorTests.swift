import Foundation
import Glibc
import TestSupport
import Testing

/// Restarts, health and readiness: what a stack does by itself between commands.
@Suite(.privateNamespace, .serialized)
struct SupervisorTests {
  private func supervisor(of fixture: StackFixture) throws -> pid_t? {
    for pid in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init) {
      let line = (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? ""
      if line.contains("supervise\0\(fixture.project)\0") { return pid }
    }
    return nil
  }

  private func row(_ service: String, of fixture: StackFixture) throws -> String {
    try fixture.stack("ps", "-a", "--format", "json", service).output
  }

  @Test func aServiceIsRestartedByItsPolicyAndStaysStoppedWhenStopped() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          always: {rootfs: ./root, command: [sh, -c, 'echo run; exit 3'], restart: always}
          few: {rootfs: ./root, command: [sh, -c, 'echo run; exit 4'], restart: 'on-failure:2'}
          steady: {rootfs: ./root, command: [sleep, '1000'], restart: unless-stopped}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(
        try fixture.eventually {
          try fixture.stack("logs", "--no-log-prefix", "always").output.split(separator: "\n").count >= 3
        })
      #expect(try fixture.eventually { try row("few", of: fixture).contains(#""State":"exited""#) })
      #expect(try fixture.stack("logs", "--no-log-prefix", "few").output == "run\nrun\nrun\n")
      #expect(try row("always", of: fixture).contains(#""State":"r"#))
      #expect(try fixture.stack("stop").code == 0)
      usleep(300_000)
      #expect(try fixture.stack("ps", "-q").output == "")
      #expect(try fixture.eventually { try supervisor(of: fixture) == nil })
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try row("steady", of: fixture).contains(#""State":"running""#))
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
      #expect(try supervisor(of: fixture) == nil)
    }
  }

  @Test func whoIsKilledIsStartedAgainAlsoByTheNextSupervisor() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      func pid() throws -> pid_t? {
        try fixture.stack("inspect", "a").output.firstMatch(of: /"Pid": (\d+)/).flatMap { Int32($0.1) }
      }
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000'], restart: always, healthcheck: {test: 'true', interval: 1s}}")
      #expect(try fixture.stack("up", "--wait").code == 0)
      let first = try #require(try pid())
      kill(try #require(try supervisor(of: fixture)), SIGKILL)
      #expect(try fixture.stack("ps").output.contains("(healthy)"))
      #expect(try fixture.stack("up", "-d").code == 0)
      // It goes on as it was, and is looked after again.
      #expect(try pid() == first)
      kill(first, SIGKILL)
      #expect(try fixture.eventually { try pid().map { $0 != first } ?? false })
      #expect(try fixture.eventually { try fixture.stack("ps").output.contains("(healthy)") })
    }
  }

  /// Without a descriptor to look with, nothing is taken for gone; with one again, all is as it was.
  @Test func aSupervisorWithoutDescriptorsForgetsNothing() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      func pid(_ service: String) throws -> pid_t? {
        try fixture.stack("inspect", service).output.firstMatch(of: /"Pid": (\d+)/).flatMap { Int32($0.1) }
      }
      let first =
        "  a: {rootfs: ./root, command: [sleep, '1000'], restart: always, healthcheck: {test: 'true', interval: 1h}}\n"
      try fixture.file(first)
      #expect(try fixture.stack("up", "--wait").code == 0)
      let process = try #require(try pid("a"))
      let supervisor = try #require(try supervisor(of: fixture))
      func descriptors() throws -> Set<Int> {
        Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(supervisor)/fd").compactMap { Int($0) })
      }
      // Those of what it has just done are closed by then.
      usleep(300_000)
      let used = try descriptors()
      let free = (0...).first { !used.contains($0) } ?? 0
      func limit(_ count: Int) throws {
        #expect(
          try fixture.run("/usr/bin/prlimit", ["--pid", "\(supervisor)", "--nofile=\(count):4096"]).code == 0)
      }
      try limit(free)
      // Another network, another container, and the end of that one: each makes the supervisor look again.
      try fixture.file(
        first + "  b: {rootfs: ./root, command: [sleep, '1000'], restart: always, networks: [other]}\n",
        "networks: {other: {}}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      let second = try #require(try pid("b"))
      kill(second, SIGKILL)
      usleep(500_000)
      #expect(kill(supervisor, 0) == 0)
      // The handle of what it looked after before, too.
      #expect(try descriptors().isSuperset(of: used))
      #expect(try pid("a") == process)
      #expect(try row("a", of: fixture).contains(#""Health":"healthy""#))
      try limit(1024)
      #expect(try fixture.eventually(seconds: 10) { try pid("b").map { $0 != second } ?? false })
      #expect(try self.supervisor(of: fixture) == supervisor)
      #expect(try pid("a") == process)
      // It is still looked after.
      kill(process, SIGKILL)
      #expect(try fixture.eventually { try pid("a").map { $0 != process } ?? false })
    }
  }

  /// A check that cannot be made for want of a descriptor says nothing of the service.
  @Test func aCheckThatCannotBeMadeIsNoFailure() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          command: {rootfs: ./root, command: [sleep, '1000'], healthcheck: {test: [CMD, 'true'], interval: 200ms, retries: 1}}
          probe: {rootfs: ./root, command: [httpd, -f, -h, /www], ready: {tcp: 80, interval: 200ms, retries: 1}}
        """)
      let up = try fixture.stack("up", "--wait")
      #expect(up.code == 0, "\(up.errors)")
      let supervisor = try #require(try supervisor(of: fixture))
      func limit(_ count: Int) throws {
        #expect(try fixture.run("/usr/bin/prlimit", ["--pid", "\(supervisor)", "--nofile=\(count):4096"]).code == 0)
      }
      func check(of service: String) throws -> String { try fixture.stack("inspect", service).output }
      // Less and less: first the process of the check has none left, then the supervisor has none for its pipe.
      for free in [4, 2, 1, 0] {
        let used = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(supervisor)/fd").count
        try limit(used + free)
        usleep(600_000)
        for service in ["command", "probe"] {
          let isHealthy = try row(service, of: fixture).contains(#""Health":"healthy""#)
          #expect(isHealthy, "\(service) with \(free) descriptors")
        }
      }
      #expect(try check(of: "command").contains("Too many open files"))
      try limit(1024)
      for service in ["command", "probe"] {
        #expect(try fixture.eventually { try !check(of: service).contains("Too many open files") }, "\(service)")
      }
      // They are still checked.
      #expect(try fixture.stack("exec", "command", "rm", "/bin/true").code == 0)
      #expect(try fixture.eventually { try row("command", of: fixture).contains(#""Health":"unhealthy""#) })
    }
  }

  @Test func nativeProbesTellWhenAServiceIsReady() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          web:
            rootfs: ./root
            command: [sh, -c, 'sleep 0.2; exec httpd -f -p 80 -h /www']
            ready: {http: {port: 80, status: 404}}
          tcp:
            rootfs: ./root
            command: [sh, -c, 'sleep 0.2; exec httpd -f -p 127.0.0.1:90 -h /www']
            ready: {tcp: 90}
          log: {rootfs: ./root, command: [sh, -c, 'sleep 0.2; echo is ready; exec sleep 1000'], ready: {log: '^is r.ady$'}}
          file: {rootfs: ./root, command: [sh, -c, 'sleep 0.2; touch /tmp/x; exec sleep 1000'], ready: {file: /tmp/x}}
          exec: {rootfs: ./root, command: [sh, -c, 'sleep 0.2; touch /tmp/x; exec sleep 1000'], ready: {exec: [cat, /tmp/x]}}
          job: {rootfs: ./root, command: ['true']}
          app:
            rootfs: ./root
            command: [sleep, '1000']
            depends_on: {web: {condition: service_healthy}, log: {condition: service_healthy}}
        """)
      let up = try fixture.stack("up", "--wait", "--wait-timeout", "10")
      #expect(up.code == 0, "\(up.errors)")
      let rows = try fixture.stack("ps", "--format", "json").output.split(separator: "\n")
      #expect(rows.filter { $0.contains(#""Health":"healthy""#) }.count == 5)
    }
  }

  @Test func theReasonOfAFailedCheckIsShown() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          bad:
            rootfs: ./root
            command: [sleep, '1000']
            healthcheck: {test: 'echo the disk is on fire; exit 3', interval: 100ms, retries: 2}
          app: {rootfs: ./root, command: [sleep, '1000'], depends_on: {bad: {condition: service_healthy}}}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 1)
      #expect(up.errors.contains("bad is unhealthy: its health check said (exit code 3): the disk is on fire"))
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func whatIsNotReadyInTimeIsNamedWithItsReason() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  slow: {rootfs: ./root, command: [sleep, '1000'], ready: {tcp: 99}}")
      let up = try fixture.stack("up", "--wait", "--wait-timeout", "1")
      #expect(up.code == 1)
      #expect(up.errors.contains("slow: is not ready after 1 s"))
      #expect(up.errors.contains("Connection refused"))
    }
  }

  @Test func aJobThatIsDoneIsNotRunAgainUntilItChanges() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      func file(_ word: String) throws {
        try fixture.file(
          """
            job: {rootfs: ./root, command: [sh, -c, 'echo \(word)']}
            app:
              rootfs: ./root
              command: [sleep, '1000']
              depends_on: {job: {condition: service_completed_successfully}}
          """)
      }
      try file("one")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("up", "--wait").code == 0)
      #expect(try fixture.stack("logs", "--no-log-prefix", "job").output == "one\n")
      try file("two")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("logs", "--no-log-prefix", "job").output == "two\n")
    }
  }

  @Test func hooksRunAfterTheStartAndBeforeTheStop() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a:
            rootfs: ./root
            command: [sh, -c, 'trap "cat /tmp/stopping; exit" TERM; while true; do sleep 0.05; done']
            post_start: [{command: [touch, /tmp/started]}]
            pre_stop: [{command: [sh, -c, 'echo goodbye >/tmp/stopping']}]
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("a", "ls /tmp") == "started")
      #expect(try fixture.stack("stop").code == 0)
      #expect(try fixture.stack("logs", "--no-log-prefix").output == "goodbye\n")
      #expect(try fixture.stack("down").code == 0)
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '9'], post_start: [{command: [nosuch]}]}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 1)
      #expect(up.errors.contains("a: a hook exited with status 127"))
    }
  }

  @Test func aContainerInTheNetworkOfARestartedOneFollowsIt() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          web: {rootfs: ./root, command: [httpd, -f, -p, '80', -h, /www], restart: always}
          side: {rootfs: ./root, command: [sleep, '1000'], network_mode: 'service:web'}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let web = try fixture.stack("inspect", "web").output
      kill(try #require(web.firstMatch(of: /"Pid": (\d+)/).flatMap { Int32($0.1) }), SIGKILL)
      usleep(200_000)
      #expect(
        try fixture.eventually {
          try fixture.run(
            StackFixture.binary, ["exec", "side", "sh", "-c", "wget -qO- http://127.0.0.1/ 2>&1 | grep -c 404"]
          ).output == "1\n"
        })
    }
  }
}

/// Several containers of one service.
@Suite(.privateNamespace, .serialized)
struct ReplicaTests {
  private func names(_ fixture: StackFixture) throws -> [String] {
    try fixture.stack("ps", "--format", "json").output.matches(of: /"Name":"[^"]*-(\w+-\d+)"/).map { String($0.1) }
      .sorted()
  }

  @Test func aServiceScalesUpAndDownAndKeepsItsFirstContainers() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          db: {rootfs: ./root, command: [sleep, '1000'], deploy: {replicas: 2}, ports: ['18300-18309:80']}
          app: {rootfs: ./root, command: [sleep, '1000'], depends_on: [db]}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try names(fixture) == ["app-1", "db-1", "db-2"])
      let first = try fixture.stack("ps", "-q", "app").output
      #expect(try fixture.stack("up", "-d", "--scale", "db=4").code == 0)
      #expect(try names(fixture) == ["app-1", "db-1", "db-2", "db-3", "db-4"])
      #expect(try fixture.stack("ps", "-q", "app").output == first)
      let found = try fixture.exec("app", "nslookup db | grep -c '^Address.*10\\.' || true")
      #expect(Int(found).map { $0 >= 4 } ?? false, "\(found)")
      #expect(try fixture.stack("up", "-d", "--scale", "db=1").code == 0)
      #expect(try names(fixture) == ["app-1", "db-1"])
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func aContainerNameIsUniqueOnTheMachine() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000'], container_name: the-one}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("ps", "--format", "json").output.contains(#""Name":"the-one""#))
      let other = try fixture.stack("-p", "\(fixture.project)-2", "up", "-d")
      #expect(other.code == 1)
      #expect(other.errors.contains("the container name \"the-one\" is already in use by stack \(fixture.project)"))
    }
  }
}
