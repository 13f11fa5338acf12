import Foundation
import TestSupport
import Testing

/// Flags and shapes that scripts written for docker compose rely on.
@Suite(.privateNamespace)
struct ComposeCommandTests {
  private func ids(_ fixture: StackFixture) throws -> [String] {
    try fixture.stack("ps", "-a", "-q").output.split(separator: "\n").map(String.init)
  }

  @Test func containersHaveTheLabelsOfCompose() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000'], labels: {own: x}}\n  b: {rootfs: ./root, command: ['true']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let row = try fixture.stack("ps", "--format", "json", "a").output
      for label in [
        "com.docker.compose.project=\(fixture.project)", "com.docker.compose.service=a",
        "com.docker.compose.container-number=1", "com.docker.compose.oneoff=False",
        "com.docker.compose.project.config_files=\(fixture.directory)/stack.yaml",
        "com.docker.compose.project.working_dir=\(fixture.directory)", "com.docker.compose.config-hash=", "own=x",
      ] {
        #expect(row.contains(label))
      }
      #expect(try fixture.stack("ls").output.contains("\(fixture.directory)/stack.yaml"))
      func names(_ arguments: String...) throws -> String {
        try fixture.run(StackFixture.binary, ["ps", "--services"] + arguments).output
      }
      #expect(try names("--filter", "label=own=x") == "a\n")
      #expect(try names("--filter", "label=com.docker.compose.service=b", "-a") == "b\n")
      #expect(try fixture.eventually { try names("--status", "exited") == "b\n" })
      #expect(try names("--filter", "status=running") == "a\n")
      #expect(try fixture.stack("ps", "--filter", "color=red").code == 2)
      #expect(try fixture.stack("pause", "nope").errors.contains("no such service: nope"))
    }
  }

  @Test func aProcessIsNotTakenForGoneForWantOfADescriptor() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      var succeeded = 0
      // With three the program cannot even read its arguments.
      for limit in 4...24 {
        let result = try fixture.run(
          "/usr/bin/prlimit", ["--nofile=\(limit):\(limit)", StackFixture.binary, "ps", "-a", "--format", "json"])
        if result.code != 0 { continue }
        succeeded += 1
        #expect(result.output.contains("\"State\":\"running\""), "with \(limit) descriptors")
      }
      #expect(succeeded > 0)
    }
  }

  /// What runs can be looked into although its file is being changed.
  @Test func execNeedsNoMoreOfTheFileThanItsName() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000'], ports: ['99999:80'], depends_on: [gone]}")
      #expect(try fixture.stack("config", "-q").code == 3)
      #expect(try fixture.stack("exec", "a", "true").code == 0)
      try fixture.write("name: [", to: "stack.yaml")
      let unreadable = try fixture.stack("exec", "a", "true")
      #expect(unreadable.code == 3 && unreadable.errors.contains("stack.yaml:1"), "\(unreadable.errors)")
    }
  }

  @Test func standardInputCanBeLeftOut() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      for command in ["exec", "run --rm", "run --rm -T --name c", "run --quiet --rm"] {
        func reads(_ option: String) throws -> String {
          let words = command.split(separator: " ", maxSplits: 1)
          let line = "echo typed | \(StackFixture.binary) \(words[0]) \(option) \(words.dropFirst().joined()) a cat"
          let outcome = try fixture.run("/bin/sh", ["-c", line])
          #expect(outcome.code == 0, "\(line): \(outcome.errors)")
          #expect(!command.contains("quiet") || outcome.errors == "", "\(outcome.errors)")
          return outcome.output
        }
        #expect(try reads("") == "typed\n", "\(command)")
        #expect(try reads("-i") == "typed\n", "\(command)")
        for option in ["-i=false", "--interactive=false", "--no-interactive"] {
          #expect(try reads(option) == "", "\(command) \(option)")
        }
      }
    }
  }

  /// One of many services is found without the others, also when its first container is not the one that runs.
  @Test func theContainerToExecuteInIsTheFirstThatRuns() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sh, -c, 'trap exit TERM; while true; do sleep 0.05; done'], scale: 3}
          a-1: {rootfs: ./root, command: [sleep, '1000'], container_name: named}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      for number in 1...3 {
        #expect(try fixture.stack("exec", "--index", "\(number)", "a", "touch", "/tmp/\(number)").code == 0)
      }
      func container(_ arguments: String...) throws -> String {
        let outcome = try fixture.run(StackFixture.binary, ["exec"] + arguments + ["ls", "/tmp"])
        return outcome.code == 0 ? outcome.output : outcome.errors
      }
      #expect(try container("a") == "1\n")
      #expect(try container("--index", "3", "a") == "3\n")
      #expect(try container("a-1") == "")
      #expect(try container("--index", "4", "a").contains("is not running container #4"))
      #expect(try fixture.stack("exec", "--index", "1", "a", "kill", "1").code == 0)
      #expect(try fixture.eventually { try container("a") == "2\n" })
      #expect(try container("--index", "1", "a").contains("is not running"))
    }
  }

  @Test func aNameIsNotGivenTwice() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let taken = try fixture.stack("run", "--rm", "--name", "\(fixture.project)-a-1", "a", "true")
      #expect(taken.code == 1 && taken.errors.contains("is already in use by service a"), "\(taken.errors)")
      #expect(try fixture.stack("run", "--name", "once", "a", "true").code == 0)
      #expect(try fixture.stack("run", "--name", "once", "a", "true").code == 1)
      #expect(try ids(fixture).count == 2)
      let scale = try fixture.stack("scale", "nope=2")
      #expect(scale.code == 1 && scale.errors == "stack: no such service: nope\n", "\(scale.errors)")
    }
  }

  @Test func execMakesNoDirectory() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000'], working_dir: /made/here}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("a", "pwd") == "/made/here")
      let exec = try fixture.stack("exec", "-w", "/nowhere", "a", "true")
      #expect(exec.code == 125 && exec.errors.contains("chdir to working directory /nowhere"), "\(exec.errors)")
      #expect(try fixture.exec("a", "ls /").contains("nowhere") == false)
      let copy = try fixture.stack("cp", "a:/no/such", ".")
      #expect(copy.code == 1 && copy.errors.contains("/no"), "\(copy.errors)")
      #expect(try fixture.stack("cp", "a:/etc/nope", ".").errors.contains("stat /etc/nope: No such file"))
    }
  }

  @Test func whatIsNotThereIsSaid() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      let events = try fixture.stack("events", "nope")
      #expect(events.code == 1 && events.errors.contains("no such service: nope"))
      #expect(try fixture.stack("events").code == 0)
      let run = try fixture.stack("run", "--rm", "-t", "a", "true")
      #expect(run.code == 1 && run.errors.contains("the input device is not a TTY"))
      let up = try fixture.stack("--all-resources", "up", "-d", "--watch")
      #expect(up.code == 0 && up.errors.contains("files are not watched"))
    }
  }

  @Test func dependenciesAreMadeAnewWhenAskedFor() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          db: {rootfs: ./root, command: [sleep, '1000']}
          web: {rootfs: ./root, command: [sleep, '1000'], depends_on: [db]}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let first = try ids(fixture)
      #expect(try fixture.stack("up", "-d", "-t", "0", "--force-recreate", "web").code == 0)
      let second = try ids(fixture)
      #expect(second[0] == first[0] && second[1] != first[1])
      #expect(try fixture.stack("up", "-d", "-t", "0", "--always-recreate-deps", "web").code == 0)
      let third = try ids(fixture)
      #expect(third[0] != second[0] && third[1] == second[1])
    }
  }

  @Test func anExternalNetworkIsAnothersStacksOrABridge() throws {
    try StackFixture.with { (other: StackFixture) throws in
      try other.file(
        "  db: {rootfs: ./root, command: [httpd, -f, -p, '80'], networks: [shared]}",
        "networks: {shared: {name: shared-\(other.project)}}")
      #expect(try other.stack("up", "-d").code == 0)
      let address = try other.exec("db", "ip -4 -o addr show eth0 | tr -s ' ' | cut -d ' ' -f 4 | cut -d / -f 1")
      try StackFixture.with(sharing: other) { (fixture: StackFixture) throws in
        try fixture.file(
          "  web: {rootfs: ./root, command: [sleep, '1000'], networks: [theirs, ours]}",
          "networks:\n  theirs: {external: true, name: shared-\(other.project)}\n  ours: {external: true, name: br-\(fixture.project.suffix(8))}"
        )
        let missing = try fixture.stack("up", "-d")
        #expect(missing.code == 1)
        #expect(missing.errors.contains("declared as external, but could not be found"))
        let bridge = "br-\(fixture.project.suffix(8))"
        #expect(try fixture.run("/usr/bin/env", ["ip", "link", "add", bridge, "type", "bridge"]).code == 0)
        #expect(try fixture.run("/usr/bin/env", ["ip", "addr", "add", "10.99.1.1/24", "dev", bridge]).code == 0)
        #expect(try fixture.run("/usr/bin/env", ["ip", "link", "set", bridge, "up"]).code == 0)
        #expect(try fixture.stack("up", "-d").code == 0)
        #expect(try fixture.exec("web", "echo ping | nc -w 2 \(address) 80 >/dev/null && echo reached") == "reached")
        #expect(try fixture.exec("web", "ip -4 -o addr").contains("10.99.1.2/24"))
        // On a network that they share, services of both stacks find each other.
        func lookUp(_ name: String, _ service: String, _ stack: StackFixture) throws -> String {
          try stack.run(StackFixture.binary, ["exec", service, "sh", "-c", "nslookup \(name) 2>&1 || true"]).output
        }
        #expect(try fixture.eventually { try lookUp("db", "web", fixture).contains(address) })
        #expect(try lookUp("web", "db", other).contains("NXDOMAIN") == false)
        #expect(try fixture.stack("stop", "-t", "0").code == 0)
        #expect(try fixture.eventually { try lookUp("web", "db", other).contains("NXDOMAIN") })
        #expect(try fixture.stack("start").code == 0)
        #expect(try fixture.stack("down", "-t", "0").code == 0)
        // What was there before, still is.
        #expect(try fixture.run("/usr/bin/env", ["ip", "link", "show", bridge]).code == 0)
        #expect(try fixture.run("/usr/bin/env", ["ip", "link", "del", bridge]).code == 0)
        #expect(try other.exec("db", "ip -4 -o addr show eth0").contains(address))
      }
    }
  }

  @Test func downRemovesImagesAndKillOrphans() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      #expect(try fixture.stack("image", "import", "small", "root").code == 0)
      try fixture.file(
        "  a: {image: small, command: [sleep, '1000']}\n  b: {image: small, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      try fixture.file("  a: {image: small, command: [sleep, '1000']}")
      #expect(try fixture.stack("kill", "--remove-orphans", "a").code == 0)
      #expect(try fixture.stack("ps", "-a", "--services").output == "a\n")
      #expect(try fixture.stack("down", "--rmi", "local").code == 0)
      #expect(try fixture.stack("image", "ls").output.contains("small"))
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("down", "-t", "0", "--rmi", "all").code == 0)
      #expect(try !fixture.stack("image", "ls").output.contains("small"))
    }
  }

  @Test func anOptionalDependencyThatFailsIsSaidAndPassedOver() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          job: {rootfs: ./root, command: ['false']}
          web:
            rootfs: ./root
            command: [sleep, '1000']
            depends_on: {job: {condition: service_completed_successfully, required: false}}
        """)
      let outcome = try fixture.stack("up", "-d")
      #expect(outcome.code == 0)
      #expect(outcome.errors.contains("optional dependency \"job\" failed to start: exited with code 1"))
    }
  }
}
