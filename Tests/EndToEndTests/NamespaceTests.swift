import TestSupport
import Testing

/// What a service shares with the machine and with other services, and what is its own.
@Suite(.privateNamespace, .serialized)
struct NamespaceTests {
  private func withServices(_ services: String, _ more: String = "", _ body: (StackFixture) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(services, more)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(up.errors.lowercased().contains("warning") == false, "\(up.errors)")
      try body(fixture)
    }
  }

  private func namespace(_ kind: String, of service: String, _ fixture: StackFixture) throws -> String {
    try fixture.exec(service, "stat -c %N /proc/self/ns/\(kind) | grep -o '[[].*[]]'")
  }

  private static let pair = """
      owner:
        rootfs: ./root
        command: [sleep, '1001']
      guest:
        rootfs: ./root
        command: [sleep, '1002']
        pid: service:owner
        ipc: service:owner

    """

  @Test func processesAndMemoryOfAnotherServiceAreShared() throws {
    try withServices(Self.pair) { (fixture: StackFixture) throws in
      #expect(try fixture.exec("guest", "cat /proc/1/cmdline | tr '\\0' ' '").hasPrefix("sleep 1001"))
      #expect(try fixture.exec("owner", "ps -o args | grep -c '^sleep 100[12]'") == "2")
      for kind in ["pid", "ipc"] {
        let own = try namespace(kind, of: "owner", fixture)
        #expect(try namespace(kind, of: "guest", fixture) == own)
      }
      #expect(try namespace("uts", of: "guest", fixture) != namespace("uts", of: "owner", fixture))
      _ = try fixture.exec("owner", "echo shared > /dev/shm/note")
      #expect(try fixture.exec("guest", "cat /dev/shm/note") == "shared")
      // A process that the guest leaves behind goes with the guest, though the namespace stays.
      _ = try fixture.exec("guest", "sleep 1003 >/dev/null 2>&1 &")
      #expect(try fixture.exec("owner", "ps -o args | grep -c '^sleep 1003'") == "1")
      #expect(try fixture.stack("stop", "-t", "0", "guest").code == 0)
      #expect(
        try fixture.eventually { try fixture.exec("owner", "ps -o args | grep -c '^sleep 100[23]' || true") == "0" })
    }
  }

  @Test func whoLivesInAnotherFollowsIt() throws {
    try withServices(Self.pair) { (fixture: StackFixture) throws in
      #expect(try fixture.stack("restart", "-t", "0").code == 0)
      #expect(try fixture.exec("guest", "cat /proc/1/cmdline | tr '\\0' ' '").hasPrefix("sleep 1001"))
      #expect(try fixture.stack("up", "-d", "--force-recreate", "owner").code == 0)
      #expect(try fixture.stack("up", "-d").code == 0)
      let own = try namespace("pid", of: "owner", fixture)
      #expect(try namespace("pid", of: "guest", fixture) == own)
      #expect(try fixture.stack("down", "-t", "0").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func theMachinesNamespacesCanBeShared() throws {
    let keys =
      "    rootfs: ./root\n    command: [sleep, '1000']\n    pid: host\n    ipc: host\n    uts: host\n    cgroup: host\n"
    try withServices("  s:\n" + keys) { (fixture: StackFixture) throws in
      for kind in ["pid", "ipc", "uts", "cgroup"] {
        let machine = try fixture.run("/usr/bin/readlink", ["/proc/self/ns/\(kind)"]).output
        #expect(machine.contains(try namespace(kind, of: "s", fixture)), "\(kind)")
      }
      let name = try fixture.run("/usr/bin/cat", ["/proc/sys/kernel/hostname"]).output
      #expect(try fixture.exec("s", "hostname") + "\n" == name)
      #expect(try fixture.exec("s", "cat /proc/1/comm") != "sleep")
    }
  }

  @Test func namesAndGroupsAreGiven() throws {
    let keys = """
        s:
          rootfs: ./root
          command: [sleep, '1000']
          user: app
          group_add: [root, 2000]
          hostname: web
          domainname: example.org
          ipc: none

      """
    try withServices(keys) { (fixture: StackFixture) throws in
      #expect(try fixture.exec("s", "id -G") == "1000 0 1001 2000")
      #expect(try fixture.exec("s", "cat /proc/1/status | grep Groups") == "Groups:\t0 1001 2000 ")
      #expect(try fixture.exec("s", "cat /proc/sys/kernel/domainname") == "example.org")
      #expect(try fixture.exec("s", "grep -c 'web.example.org web$' /etc/hosts") == "1")
      #expect(try fixture.exec("s", "grep -c /dev/shm /proc/mounts || true") == "0")
    }
  }

  @Test func mountsHaveTheirOptions() throws {
    let keys = """
        s:
          rootfs: ./root
          command: [sleep, '1000']
          tmpfs: ['/fast:exec,size=1m,nr_inodes=50,mode=700']
          volumes:
            - kept:/etc:nocopy
            - kept2:/www
            - {type: volume, source: parts, target: /part, volume: {subpath: a/b}}
            - {type: bind, source: ./root, target: /below, bind: {propagation: rslave, recursive: disabled}}

      """
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("content", to: "root/www/index.html")
      let first = "  s:\n    rootfs: ./root\n    command: [sh, -c, 'mkdir -p /all/a/b; echo found > /all/a/b/file']\n"
      try fixture.file(first + "    volumes: ['parts:/all']\n", "volumes: {parts: {}}")
      #expect(try fixture.stack("up").code == 0)
      try fixture.file(keys, "volumes: {kept: {}, kept2: {}, parts: {}}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0 && !up.errors.lowercased().contains("warning"), "\(up.errors)")
      let fast = try fixture.exec("s", "grep ' /fast ' /proc/mounts")
      #expect(!fast.contains("noexec") && fast.contains("nosuid") && fast.contains("nr_inodes=50"), "\(fast)")
      #expect(fast.contains("size=1024k") && fast.contains("mode=700"))
      #expect(try fixture.exec("s", "ls /etc/passwd 2>/dev/null || echo absent") == "absent")
      #expect(try fixture.exec("s", "cat /www/index.html") == "content")
      #expect(try fixture.exec("s", "cat /part/file") == "found")
      #expect(try fixture.exec("s", "ls /below/bin/busybox") == "/below/bin/busybox")
    }
  }

  @Test func anAttachmentSaysHowItsInterfaceLooks() throws {
    let keys = """
        s:
          rootfs: ./root
          command: [sleep, '1000']
          networks:
            one: {interface_name: first, mac_address: '02:42:ac:11:00:02'}
            two: {interface_name: way, gw_priority: 1}

      """
    try withServices(keys, "networks: {one: {}, two: {}}") { (fixture: StackFixture) throws in
      #expect(try fixture.exec("s", "cat /sys/class/net/first/address") == "02:42:ac:11:00:02")
      #expect(try fixture.exec("s", "ip route | grep default").contains("dev way"))
    }
  }
}
