import Foundation
import TestSupport
import Testing

/// The samples do what their pages say, as a user types it.
@Suite(.privateNamespace, .serialized)
struct SampleTests {
  private static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("samples").path

  static let guestbookImage = "\(samples)/guestbook/image/guestbook.tar.zst"

  /// A sample in a directory of its own, with a way to run `stack` there.
  private struct Sample {
    let fixture: StackFixture
    let name: String
    var environment: [String] = []

    init(_ name: String, in fixture: StackFixture, _ environment: String...) throws {
      self.fixture = fixture
      self.name = name
      self.environment = environment
      let copy = try fixture.run(
        "/bin/sh", ["-c", "tar -C '\(samples)' --exclude=image --exclude='rootfs*' -c \(name) | tar -x"])
      try #require(copy.code == 0, "\(copy.errors)")
    }

    @discardableResult
    func stack(_ arguments: String...) throws -> StackFixture.Outcome {
      try fixture.run(
        "/usr/bin/env",
        ["-C", name] + environment + [StackFixture.binary, "-p", fixture.project] + arguments)
    }

    /// What a command in a service printed, errors included.
    func look(_ service: String, _ command: String) throws -> String {
      let outcome = try stack("exec", service, "sh", "-c", "{ \(command); } 2>&1")
      return outcome.output.trimmingCharacters(in: .newlines) + outcome.errors
    }

    func get(_ url: String, _ more: String...) throws -> String {
      try fixture.run("/usr/bin/curl", ["-sS", "-m", "10"] + more + [url]).output
    }
  }

  @Test func helloShowsItsPage() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let hello = try Sample("hello", in: fixture, "HELLO_PORT=18195")
      let prepare = try fixture.run("/usr/bin/env", ["PATH=/usr/bin:/bin", "hello/prepare.sh"])
      #expect(prepare.code == 0, "\(prepare.errors)")
      let up = try hello.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(
        try fixture.eventually { try hello.get("http://localhost:18195/").contains("<h1>Hello from a container</h1>") })

      #expect(try hello.look("web", "id -un") == "www")
      #expect(try hello.look("web", "ps -o user,args | grep -c '^www *[h]ttpd -f'") == "1")
      #expect(try hello.look("web", "touch /www/new").contains("Read-only file system"))
      #expect(
        try hello.look("web", "cat /sys/fs/cgroup/memory*/memory.limit_in_bytes /sys/fs/cgroup/memory.max").contains(
          "33554432"))
      // init, the server, the shell, and as many as still fit.
      #expect(
        try hello.look("web", "for i in $(seq 20); do sleep 1 & done").contains("Resource temporarily unavailable"))
      try fixture.write("<h1>Edited</h1>\n", to: "hello/www/index.html")
      #expect(try hello.get("http://localhost:18195/") == "<h1>Edited</h1>\n")
      #expect(try hello.stack("logs").output.contains("response:200"))

      let down = try hello.stack("down")
      #expect(down.code == 0)
      #expect(!down.errors.contains("Killed"), "\(down.errors)")
      #expect(!FileManager.default.fileExists(atPath: "\(fixture.directory)/hello/rootfs/proc"))
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: guestbookImage),
      "the guestbook's image is not built: sudo samples/guestbook/build-image.sh"))
  func theGuestbookKeepsItsEntries() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let book = try Sample("guestbook", in: fixture, "GUESTBOOK_PORT=18196")
      let url = "http://localhost:18196"
      func ready() throws -> Bool { try book.get("\(url)/health") == "ok\n" }
      let imported = try fixture.stack("image", "import", "guestbook", Self.guestbookImage)
      try #require(imported.code == 0, "\(imported.errors)")
      let up = try book.stack("up", "-d")
      try #require(up.code == 0, "\(up.errors)")
      let started = up.errors.split(separator: "\n").filter { $0.contains(" Started ") }
        .compactMap { $0.firstMatch(of: /-(\w+)-1/).map { String($0.1) } }
      #expect(Set(started.prefix(2)) == ["database", "cache"])
      #expect(started.suffix(2) == ["app", "web"])
      #expect(try fixture.eventually(seconds: 30, ready))

      #expect(
        try book.get(url, "-o", "/dev/null", "-w", "%{http_code}", "-d", "name=Ada", "-d", "message=Hello") == "303")
      #expect(try book.get("\(url)/entries.json").contains(#""message":"Hello","name":"Ada""#))
      // The list comes from Redis the second time, and the page counts its visits there.
      #expect(try book.get("\(url)/").contains("1 visits"))
      #expect(try book.get("\(url)/").contains("2 visits"))

      for (service, user, megabytes) in [
        ("web", "www-data", 64), ("app", "guestbook", 256), ("database", "postgres", 512), ("cache", "redis", 64),
      ] {
        #expect(try book.look(service, "id -un") == user)
        let status = try book.look(service, "cat /proc/1/status")
        for line in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
          #expect(status.contains(line), "\(service)")
        }
        #expect(try book.look(service, "touch /new").contains("Read-only file system"))
        #expect(
          try book.look(service, "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max")
            .contains("\(megabytes << 20)"))
        #expect(try book.look(service, "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max").contains("64"))
      }

      // The application's profile has no netlink sockets, the default one has.
      let netlink = "python3 -c 'import socket; socket.socket(16, 3); print(1)'"
      #expect(try book.look("app", netlink).contains("Operation not permitted"))
      #expect(try book.look("cache", netlink) == "1")

      // `back` has no way out, and nginx no way in.
      #expect(try book.look("database", "grep -c '^eth[0-9]*.00000000' /proc/net/route") == "0")
      #expect(try book.look("app", "grep -c '^eth[0-9]*.00000000' /proc/net/route") == "1")
      let address = try book.look("database", "getent hosts database | cut -d' ' -f1")
      let reach = "python3 -c 'import socket; socket.create_connection((\"\(address)\", 5432), 2)'"
      #expect(try book.look("app", reach) == "", "\(address)")
      #expect(try book.look("web", reach).contains("Error"))

      #expect(try book.stack("down").code == 0)
      #expect(try book.stack("up", "-d").code == 0)
      #expect(try fixture.eventually(seconds: 30, ready))
      #expect(try book.get("\(url)/entries.json").contains("Ada"))
      #expect(try book.stack("logs", "database").output.contains("ready to accept connections"))

      let down = try book.stack("down", "-v")
      #expect(down.code == 0)
      #expect(!down.errors.contains("Killed"), "\(down.errors)")
      #expect(try book.stack("up", "-d").code == 0)
      #expect(try fixture.eventually(seconds: 30, ready))
      #expect(try book.get("\(url)/entries.json") == "[]\n")
      #expect(try book.stack("down", "-v").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }
}
