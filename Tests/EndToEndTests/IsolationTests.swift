import Foundation
import TestSupport
import Testing

/// What a service finds when it looks around.
@Suite(.privateNamespace, .serialized)
struct IsolationTests {
  private func withService(_ keys: String, _ body: (StackFixture) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  s:\n    rootfs: ./root\n    command: [sleep, '1000']\n" + keys)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      try body(fixture)
    }
  }

  @Test func theDefaultsAreTight() throws {
    try withService("") { (fixture: StackFixture) throws in
      let status = try fixture.exec("s", "cat /proc/1/status")
      #expect(status.contains("CapEff:\t00000000800405fb"))
      #expect(status.contains("CapBnd:\t00000000800405fb"))
      #expect(status.contains("CapInh:\t0000000000000000"))
      #expect(status.contains("Seccomp:\t2"))
      #expect(try fixture.exec("s", "hostname") == "s")
      #expect(try fixture.exec("s", "cat /proc/1/cmdline | head -c 5") == "sleep")
      let mounts = try fixture.exec("s", "cat /proc/mounts")
      #expect(mounts.contains("proc /proc/sys proc ro,"))
      #expect(mounts.contains("sysfs /sys sysfs ro,"))
      #expect(try fixture.exec("s", "mount -t tmpfs x /tmp 2>/dev/null || echo refused") == "refused")
      #expect(try fixture.exec("s", "ls /proc/1/fd 2>/dev/null | grep -c .") == "3")
    }
  }

  @Test func theUserIsLookedUpInTheContainer() throws {
    try withService("    user: app\n    working_dir: /made/here\n") { (fixture: StackFixture) throws in
      #expect(try fixture.exec("s", "id -u; id -g; id -G; pwd") == "1000\n1000\n1000 1001\n/made/here")
      #expect(try fixture.exec("s", "grep CapEff /proc/self/status") == "CapEff:\t0000000000000000")
    }
  }

  @Test func limitsReachTheKernel() throws {
    try withService(
      "    mem_limit: 64m\n    pids_limit: 25\n    cpus: 0.5\n    ulimits: {nofile: 512}\n    shm_size: 8m\n"
    ) { (fixture: StackFixture) throws in
      #expect(
        try fixture.exec("s", "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null")
          == "67108864")
      #expect(try fixture.exec("s", "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null") == "25")
      #expect(try fixture.exec("s", "ulimit -n") == "512")
      #expect(try fixture.exec("s", "grep ' /dev/shm ' /proc/mounts").contains("size=8192k"))
    }
  }

  @Test func anInitReapsAndPassesTheStatusOn() throws {
    try withService("    init: true\n") { (fixture: StackFixture) throws in
      #expect(try fixture.exec("s", "cat /proc/1/comm; tr -d '\\0' </proc/1/cmdline") == "init\ninit")
      #expect(try fixture.exec("s", "ps | grep -c '[s]leep 1000'") == "1")
      // An orphan ends under PID 1 and is gone, no zombie.
      #expect(
        try fixture.exec("s", "(sleep 0.01 &); sleep 0.2; grep -h '^State' /proc/[0-9]*/status | grep -c Z || true")
          == "0")
    }
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  s: {rootfs: ./root, init: true, command: [sh, -c, 'exit 7']}")
      let up = try fixture.stack("up")
      #expect(up.errors.contains("s-1 exited with code 7"), "\(up.errors)")
    }
  }

  @Test func profilesDevicesSysctlsAndHosts() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write(
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}"#,
        to: "profile.json")
      try fixture.file(
        """
          s:
            rootfs: ./root
            command: [sleep, '1000']
            security_opt: ['seccomp=./profile.json']
            sysctls: {net.core.somaxconn: 1024}
            devices: ['/dev/null:/dev/nothing']
            extra_hosts: ['one:192.0.2.9', 'machine:host-gateway']
            dns: [192.0.2.53]
            hostname: named
          open: {rootfs: ./root, command: [sleep, '1000'], security_opt: ['seccomp:unconfined']}
          free: {rootfs: ./root, command: [sleep, '1000'], privileged: true}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("s", "mkdir /tmp/x 2>/dev/null || echo refused") == "refused")
      #expect(
        try fixture.exec("s", "cat /proc/sys/net/core/somaxconn; echo x >/dev/nothing; hostname") == "1024\nnamed")
      #expect(
        try fixture.exec("s", "grep -c -E '^192.0.2.9.one|.machine$' /etc/hosts; cat /etc/resolv.conf")
          == "2\nnameserver 192.0.2.53")
      #expect(try fixture.exec("open", "grep Seccomp: /proc/1/status") == "Seccomp:\t0")
      #expect(try fixture.exec("free", "mount -t tmpfs x /tmp && grep -c ' /tmp ' /proc/mounts") == "1")
    }
  }

  @Test func aReadOnlyRootWithATmpfs() throws {
    try withService("    read_only: true\n    tmpfs: [/tmp]\n") { (fixture: StackFixture) throws in
      #expect(
        try fixture.exec("s", "touch /x 2>/dev/null || echo refused; touch /tmp/x && echo written")
          == "refused\nwritten")
    }
  }

  @Test func capabilitiesAndPrivileges() throws {
    try withService("    cap_drop: [ALL]\n    cap_add: [NET_RAW]\n    security_opt: [no-new-privileges]\n") {
      (fixture: StackFixture) throws in
      let status = try fixture.exec("s", "cat /proc/1/status")
      #expect(status.contains("CapEff:\t0000000000002000"))
      #expect(status.contains("NoNewPrivs:\t1"))
    }
  }

  @Test func aUserNamespaceMakesRootNobody() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  s: {rootfs: ./root, command: [sleep, '1000'], userns_mode: private, volumes: ['data:/data']}",
        "volumes: {data: {}}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("s", "id -u; touch /x /data/x && stat -c %u /x /data/x /etc/passwd") == "0\n0\n0\n0")
      let json = try fixture.stack("inspect", "s").output
      let pid = try #require(json.firstMatch(of: /"Pid": (\d+)/).map { String($0.1) })
      let map = try String(contentsOfFile: "/proc/\(pid)/uid_map", encoding: .utf8)
      #expect(map.split(separator: " ").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }[1] != "0")
      let owner = try fixture.run("/usr/bin/stat", ["-c", "%u", "data/volumes/\(fixture.project)_data/data/x"]).output
      #expect(owner == "0\n")
    }
  }

  @Test func aServiceOnTheMachinesRootSeesWhatIsMountedAndChangesNothing() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      // A file system of its own below the machine's root, as /home often is: tmpfs would not do, it is left out.
      let disk = "\(fixture.directory)/disk"
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
      try NetworkLab.run("truncate -s 16M \(disk).img && mkfs.ext4 -q \(disk).img && mount -o loop \(disk).img \(disk)")
      defer { _ = try? NetworkLab.run("umount \(disk)") }
      try fixture.write("from the machine", to: "disk/file")
      try fixture.file(
        """
          s: {rootfs: host, command: [sleep, '1000']}
          mapped: {rootfs: host, command: [sleep, '1000'], userns_mode: private}
          fixed: {rootfs: host, command: [sleep, '1000'], read_only: true}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      for service in ["s", "mapped"] {
        #expect(
          try fixture.exec(service, "cat \(disk)/file; echo changed >\(disk)/file; touch /etc/e2e; cat \(disk)/file")
            == "from the machine" + "changed", "\(service)")
      }
      let refused = try fixture.exec("fixed", "touch \(disk)/new 2>/dev/null || echo refused")
      #expect(refused == "refused")
      #expect(try String(contentsOfFile: "\(disk)/file", encoding: .utf8) == "from the machine")
      #expect(!FileManager.default.fileExists(atPath: "/etc/e2e"))
      #expect(try fixture.stack("down").code == 0)
    }
  }

  @Test func volumesOutliveContainersAndTakeOverTheImagesContent() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try FileManager.default.createDirectory(
        atPath: "\(fixture.directory)/root/seed", withIntermediateDirectories: true)
      try fixture.write("from the image", to: "root/seed/file")
      try fixture.file(
        "  s: {rootfs: ./root, command: [sleep, '1000'], volumes: ['data:/seed']}", "volumes: {data: {}}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("s", "cat /seed/file; touch /seed/more") == "from the image")
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("s", "ls /seed") == "file\nmore")
      #expect(try fixture.stack("down", "-v").code == 0)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("s", "ls /seed") == "file")
    }
  }

  @Test func anInternalNetworkHasNoWayOut() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sleep, '1000'], networks: [inside]}
          b: {rootfs: ./root, command: [httpd, -f, -p, '80', -h, /www], networks: [inside, outside]}
          c: {rootfs: ./root, command: [sleep, '1000'], networks: [outside]}
        """, "networks: {inside: {internal: true}, outside: {}}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("a", "ip route | grep -c default || true") == "0")
      #expect(try fixture.exec("c", "ip route | grep -c default") == "1")
      #expect(try fixture.exec("a", "wget -qO- http://b/ 2>&1 | grep -c 404") == "1")
    }
  }

  @Test func aServiceCanShareTheNetworkOfAnother() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          web: {rootfs: ./root, command: [httpd, -f, -p, '80', -h, /www]}
          side: {rootfs: ./root, command: [sleep, '1000'], network_mode: 'service:web'}
        """)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("side", "wget -qO- http://127.0.0.1/ 2>&1 | grep -c 404") == "1")
    }
  }
}
