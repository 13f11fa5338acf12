import Foundation
import Glibc
import TestSupport
import Testing

/// Options and shapes of output of the commands that look at a stack, as scripts for docker compose expect them.
@Suite(.privateNamespace)
struct ComposeOutputTests {
  private func keys(_ text: String) throws -> [Set<String>] {
    try text.split(separator: "\n").map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return Set((object ?? [:]).keys)
    }
  }

  private func header(_ text: String) -> [String] {
    text.split(separator: "\n").first?.components(separatedBy: "   ").map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty } ?? []
  }

  @Test func tablesAndObjectsHaveTheirColumns() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      #expect(try fixture.stack("image", "import", "small:1", "root").code == 0)
      try fixture.file(
        """
          a: {image: 'small:1', command: [sleep, '1000'], volumes: ['data:/data', './data:/www'], mem_limit: 64m}
          b: {image: 'small:1', command: [sleep, '1000'], volumes: ['other:/data']}
        """, "volumes: {data: {}, other: {}}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let images = try fixture.stack("images").output
      #expect(header(images) == ["CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE", "CREATED"])
      #expect(images.contains("linux/amd64") && images.split(separator: "\n").count == 3)
      #expect(try fixture.stack("images", "-q").output.wholeMatch(of: /[0-9a-f]{64}\n/) != nil)
      let list = try JSONSerialization.jsonObject(
        with: Data(try fixture.stack("images", "--format", "json").output.utf8))
      let first = (list as? [[String: Any]])?.first ?? [:]
      #expect(
        Set(first.keys).subtracting(["Created"]) == ["ID", "ContainerName", "Repository", "Tag", "Platform", "Size"])
      #expect(first["Tag"] as? String == "1" && first["Repository"] as? String == "small")

      let name = fixture.project
      #expect(try fixture.stack("volumes", "-q").output == "\(name)_data\n\(name)_other\n")
      #expect(try fixture.stack("volumes", "-q", "b").output == "\(name)_other\n")
      #expect(try fixture.stack("volumes", "nope").errors.contains("no such service: nope"))
      #expect(
        try keys(fixture.stack("volumes", "--format", "json").output).allSatisfy {
          $0.isSuperset(of: ["Driver", "Labels", "Mountpoint", "Name", "Scope"])
        })

      let top = try fixture.stack("top").output
      #expect(header(top) == ["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
      #expect(top.contains(/\na +1 +0 +\d+ +\d+ +\d+ +\d\d:\d\d +\? +00:00:00 +sleep 1000\n/), "\(top)")

      let stats = try fixture.stack("stats", "--no-stream", "a").output
      #expect(
        header(stats) == [
          "CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS",
        ])
      #expect(stats.contains(/\n[0-9a-f]{12} +.*-a-1 +\d+\.\d\d% +[0-9.]+[KM]?i?B \/ 64MiB +/), "\(stats)")
      #expect(
        try keys(fixture.stack("stats", "--no-stream", "--format", "json").output)
          == [Set<String>](
            repeating: ["BlockIO", "CPUPerc", "Container", "ID", "MemPerc", "MemUsage", "Name", "NetIO", "PIDs"],
            count: 2))
      #expect(
        try keys(fixture.stack("ps", "--format", "json", "a").output).first?.isSuperset(of: [
          "Command", "CreatedAt", "ExitCode", "Health", "ID", "Image", "Labels", "LocalVolumes", "Mounts", "Name",
          "Names",
          "Networks", "Ports", "Project", "Publishers", "RunningFor", "Service", "Size", "State", "Status",
        ]) == true)
      // A directory of the machine is no volume, whatever its name.
      let row = try fixture.stack("ps", "--format", "json", "--no-trunc", "a").output
      #expect(row.contains(#""LocalVolumes":"1","Mounts":"\#(name)_data,\#(fixture.directory)/data""#), "\(row)")
      #expect(row.contains(#""Command":"\"sleep 1000\"","CreatedAt":"2"#), "\(row)")
      #expect(
        row.contains(#""Networks":"\#(name)_default""#) && row.contains(#""RunningFor":"Less than a second ago""#)
          || row.contains(" seconds ago"))
      #expect(try fixture.stack("ps", "--format", "json", "a").output.contains(/"ID":"[0-9a-f]{12}"/))
      #expect(try fixture.stack("stop", "-t", "0", "a").code == 0)
      #expect(try fixture.stack("ls", "--format", "json").output.contains(#""Status":"running(1)""#))
      #expect(try fixture.stack("ls", "-a", "--filter", "name=^e2e").output.contains("exited(1), running(1)"))
      #expect(try fixture.stack("ls", "-a", "--filter", "name=^nothing$").output.split(separator: "\n").count == 1)
      #expect(try fixture.stack("ls", "--filter", "color=red").code == 2)
    }
  }

  @Test func portsAreShownAlsoThoseThatAreNotPublished() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sleep, '1000'], expose: ['9000-9002/udp', '80', 7], ports: ['127.0.0.1:18403:80', '18404:18404']}
          b: {rootfs: ./root, command: [sleep, '1000'], expose: [80], network_mode: none}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let text = "7/tcp, 9000-9002/udp, 0.0.0.0:18404->18404/tcp, 127.0.0.1:18403->80/tcp"
      #expect(try fixture.stack("ps", "a").output.contains("   \(text)\n"))
      let rows = try fixture.stack("ps", "--format", "json").output.split(separator: "\n")
      #expect(rows.first?.contains("\"Ports\":\"\(text)\"") == true)
      #expect(
        rows.first?.contains(#""Publishers":[{"URL":"","TargetPort":7,"PublishedPort":0,"Protocol":"tcp"},"#) == true)
      #expect(
        rows.first?.contains(#"{"URL":"127.0.0.1","TargetPort":80,"PublishedPort":18403,"Protocol":"tcp"}"#) == true)
      #expect(rows.last?.contains(#""Ports":"""#) == true && rows.last?.contains(#""Publishers":[]"#) == true)
      let wrong = try fixture.stack("port", "a", "81").errors
      #expect(
        wrong.contains("no port 81/tcp for container \(fixture.project)-a-1: 7/tcp, 80/tcp, 9000/udp"), "\(wrong)")
      #expect(try fixture.stack("stop", "-t", "0").code == 0)
      #expect(try fixture.stack("ps", "-a", "--format", "json", "a").output.contains(#""Publishers":[]"#))
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000'], expose: ['80:80', x]}")
      let refused = try fixture.stack("up", "-d")
      #expect(refused.code == 3 && refused.errors.contains("\"80:80\" is not a port"), "\(refused.errors)")
    }
  }

  @Test func imagesAreNamedByTheirDigests() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      #expect(try fixture.stack("image", "import", "small:1", "root").code == 0)
      try fixture.file(
        "  a: {image: 'small:1', command: [sleep, '1000']}\n  b: {image: 'x@sha256:\(String(repeating: "1", count: 64))'}"
      )
      let unknown = try fixture.stack("config", "--resolve-image-digests")
      #expect(unknown.code == 4 && unknown.errors.contains("image small:1 has no digest"), "\(unknown.errors)")
      #expect(try fixture.stack("image", "save", "-o", "small.tar", "small:1").code == 0)
      #expect(try fixture.stack("image", "rm", "small:1").code == 0)
      #expect(try fixture.stack("config", "--lock-image-digests").errors.contains("no image \"small:1\""))
      #expect(try fixture.stack("image", "load", "-i", "small.tar").code == 0)
      let lock = try fixture.stack("config", "--lock-image-digests")
      #expect(
        lock.output.wholeMatch(
          of:
            /services:\n  a:\n    image: docker.io\/library\/small:1@sha256:[0-9a-f]{64}\n  b:\n    image: x@sha256:1{64}\n/
        )
          != nil, "\(lock.output)\(lock.errors)")
      // As an override file it says the same, and what it names is found.
      try fixture.write(lock.output, to: "lock.yaml")
      let pinned = try fixture.stack("-f", "stack.yaml", "-f", "lock.yaml", "config", "--images").output
      #expect(pinned.contains("small:1@sha256:") && pinned.split(separator: "\n").count == 2)
      let up = try fixture.stack("-f", "stack.yaml", "-f", "lock.yaml", "up", "-d", "a")
      #expect(up.code == 0, "\(up.errors)")
      let whole = try fixture.stack("config", "--resolve-image-digests").output
      #expect(whole.contains("small:1@sha256:") && whole.contains("command:"))
    }
  }

  @Test func whatAnAttachedUpShowsGoesWhereTheServicesWroteIt() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sh, -c, 'echo out; echo err >&2; echo out2']}")
      let up = try fixture.stack("up")
      #expect(up.output == "a-1  | out\na-1  | out2\n")
      #expect(up.errors.contains("a-1  | err\n"))
      let logs = try fixture.stack("logs")
      #expect(logs.output.contains("| out") && logs.output.contains("| err") && logs.errors == "")
    }
  }

  @Test func interruptingAnUpStopsWhatItNames() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          db: {rootfs: ./root, command: [sleep, '1000']}
          app: {rootfs: ./root, command: [sh, -c, 'echo up; exec sleep 1000'], depends_on: [db]}
          other: {rootfs: ./root, command: [sleep, '1000']}
        """)
      #expect(try fixture.stack("up", "-d", "other").code == 0)
      let up = try fixture.start("/bin/sh", ["-c", "exec \(StackFixture.binary) up app > shown"])
      #expect(fixture.eventually { (try? fixture.text("shown"))?.contains("| up") ?? false })
      up.signal(SIGINT)
      #expect(try up.wait(seconds: 9) == 130)
      #expect(try fixture.stack("ps", "--services").output == "db\nother\n")
    }
  }

  @Test func containersOfRunAreApartFromThoseOfTheService() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      // Its input stays open: somebody may attach.
      #expect(try fixture.stack("run", "-d", "a", "cat").code == 0)
      func states() throws -> [String] {
        try fixture.stack("ps", "-a", "--format", "json").output.split(separator: "\n").map { line in
          "\(line.contains(#""OneOff":true"#) ? "run" : "service") \(line.firstMatch(of: /"State":"(\w+)"/)?.output.1 ?? "")"
        }.sorted()
      }
      #expect(try fixture.exec("a", "ps | grep -c '[c]at'") == "1")
      let missing = try fixture.stack("exec", "--index", "1", "a", "true")
      #expect(missing.code == 1 && missing.errors.contains("service \"a\" is not running container #1"))
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("a", "ps | grep -c '[c]at' || true") == "0")
      #expect(try fixture.stack("ps", "-q").output.split(separator: "\n").count == 1)
      #expect(try fixture.stack("stop", "-t", "0").code == 0)
      #expect(try states() == ["run running", "service exited"])
      #expect(try fixture.stack("restart", "-t", "0").code == 0)
      #expect(try fixture.stack("rm", "-f", "-s").code == 0)
      #expect(try states() == ["run running"])

      // One that has ended is an orphan.
      #expect(try fixture.stack("kill").code == 0)
      let orphan = try fixture.stack("up", "-d")
      #expect(orphan.errors.contains("orphan containers"))
      #expect(try !fixture.stack("up", "-d", environment: ["COMPOSE_IGNORE_ORPHANS": "1"]).errors.contains("orphan"))
      #expect(try fixture.stack("up", "-d", environment: ["COMPOSE_REMOVE_ORPHANS": "true"]).code == 0)
      #expect(try states() == ["service running"])
    }
  }

  @Test func commandsSayWhatTheyCannotActOn() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000']}\n  b: {rootfs: ./root, command: [sleep, '1000']}")
      // A service of the file that has no container is nothing to act on; one that the file does not have is a mistake.
      for command in [["pause"], ["unpause"], ["stop"], ["logs"], ["rm", "-f"], ["ps"], ["top"], ["images"], ["down"]] {
        let known = try fixture.run(StackFixture.binary, command + ["a"])
        #expect(known.code == 0, "\(command): \(known.errors)")
        let unknown = try fixture.run(StackFixture.binary, command + ["nope"])
        #expect(unknown.code == 1 && unknown.errors.contains("no such service: nope"), "\(command): \(unknown.errors)")
      }
      #expect(try fixture.stack("up", "-d", "a").code == 0)
      #expect(try fixture.stack("unpause", "a").errors.contains("-a-1 is not paused"))
      #expect(try fixture.stack("pause", "a").code == 0)
      let twice = try fixture.stack("pause", "a")
      #expect(twice.code == 1 && twice.errors.contains("-a-1 is already paused"))
    }
  }

  @Test func imagesAreNeitherBuiltNorPulled() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      #expect(try fixture.stack("image", "import", "small", "root").code == 0)
      try fixture.file("  a: {image: small, command: [sleep, '1000']}")
      let plain = try fixture.stack("up", "-d", "--build", "--pull", "missing", "--quiet-pull", "--quiet-build")
      #expect(plain.code == 0 && !plain.errors.contains("Warning"), "\(plain.errors)")
      #expect(
        try fixture.stack("up", "-d", "--no-build", "--pull", "always").errors.contains("images cannot be pulled yet"))
      #expect(try fixture.stack("up", "-d", "--build", "--no-build").code == 2)
      #expect(try fixture.stack("up", "-d", "--pull", "sometimes").code == 2)
      try fixture.file("  a: {image: small, build: ., command: [sleep, '1000']}")
      let built = try fixture.stack("up", "-d", "--build")
      #expect(built.code == 4 && built.errors.contains("a: images cannot be built yet"), "\(built.errors)")
      #expect(try fixture.stack("--compatibility", "--parallel", "3", "up", "-d").code == 0)
    }
  }

  @Test func aDryRunTouchesNothing() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000']}")
      let dry = try fixture.stack("--dry-run", "up", "-d")
      #expect(dry.code == 0)
      let name = fixture.project
      #expect(
        dry.errors == " DRY-RUN MODE - Network \(name)_default Created\n DRY-RUN MODE - Container \(name)-a-1 Created\n"
          + " DRY-RUN MODE - Container \(name)-a-1 Started\n")
      #expect(try fixture.leftovers() == [])
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("up", "--dry-run").errors == " DRY-RUN MODE - Container \(name)-a-1 Running\n")
    }
  }

  @Test func anonymousVolumesAreKeptUnlessRenewed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000'], volumes: [/data]}")
      #expect(try fixture.stack("up", "-d").code == 0)
      _ = try fixture.exec("a", "touch /data/x")
      #expect(try fixture.stack("up", "-d", "--force-recreate").code == 0)
      #expect(try fixture.exec("a", "ls /data") == "x")
      #expect(try fixture.stack("up", "-d", "--force-recreate", "-V").code == 0)
      #expect(try fixture.exec("a", "ls /data") == "")
    }
  }

  @Test func aContainerOnOtherNetworksStaysWhatItIs() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      func file(_ subnet: String) throws {
        try fixture.file(
          "  a: {rootfs: ./root, command: [sleep, '1000']}",
          "networks: {default: {ipam: {config: [{subnet: \(subnet)}]}}}")
      }
      try file("10.77.1.0/24")
      #expect(try fixture.stack("up", "-d").code == 0)
      _ = try fixture.exec("a", "touch /kept")
      let id = try fixture.stack("ps", "-q").output
      try file("10.77.2.0/24")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.stack("ps", "-q").output == id)
      #expect(try fixture.exec("a", "ls /kept; ip -4 -o addr show eth0 | grep -c 10.77.2.") == "/kept\n1")
    }
  }
}
