import Foundation
import TestSupport
import Testing

/// Whether this process may raise its hard limits.
private enum LimitProbe {
  static let canRaise: Bool = {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let mask = status.firstMatch(of: /CapEff:\t([0-9a-f]+)/).flatMap { UInt64($0.1, radix: 16) } ?? 0
    return mask >> 24 & 1 == 1
  }()
}

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

  /// The places for the engine's own files are in a layer that all containers share.
  @Test func aContainerThatWritesNothingHasNothingInItsWritableLayer() throws {
    try withService("") { (fixture: StackFixture) throws in
      let layer = "\(fixture.directory)/run/projects/\(fixture.project)/containers/\(fixture.project)-s-1/upper"
      #expect(try FileManager.default.contentsOfDirectory(atPath: layer) == [])
      #expect(try fixture.exec("s", "cat /etc/hostname") == "s")
      #expect(try fixture.exec("s", "stat -c %a /etc /etc/hosts") == "755\n644")
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
      """
          mem_limit: 64m
          memswap_limit: 96m
          pids_limit: 25
          cpus: 0.5
          cpu_shares: 512
          cpuset: "0"
          ulimits: {nofile: 512}
          shm_size: 8m

      """
    ) { (fixture: StackFixture) throws in
      /// A file of the container's cgroup, of whichever version it is.
      func control(_ first: String, _ second: String) throws -> String {
        try fixture.exec("s", "cd /sys/fs/cgroup; cat \(first) 2>/dev/null || cat \(second)")
      }
      #expect(try control("memory.max", "memory/memory.limit_in_bytes") == "67108864")
      // Memory and swap together in version 1, where the kernel may be without it; swap alone in version 2.
      let swap = try control("memory.swap.max", "memory/memory.memsw.limit_in_bytes || echo absent")
      #expect(["33554432", "100663296", "absent"].contains(swap))
      #expect(try control("pids.max", "pids/pids.max") == "25")
      let quota = try control("cpu.max", "cpu,cpuacct/cpu.cfs_quota_us cpu/cpu.cfs_quota_us 2>/dev/null")
      #expect(quota.hasPrefix("50000"))
      let weight = try control("cpu.weight", "cpu,cpuacct/cpu.shares cpu/cpu.shares 2>/dev/null")
      #expect(["59", "512"].contains(weight), "\(weight)")
      #expect(try control("cpuset.cpus", "cpuset/cpuset.cpus") == "0")
      #expect(try fixture.exec("s", "ulimit -n") == "512")
      #expect(try fixture.exec("s", "grep ' /dev/shm ' /proc/mounts").contains("size=8192k"))
    }
  }

  @Test func limitsOfBlockDevicesReachTheKernel() throws {
    let devices = try FileManager.default.contentsOfDirectory(atPath: "/sys/block").sorted()
    guard let device = devices.first(where: { FileManager.default.fileExists(atPath: "/dev/\($0)") }) else { return }
    let number = try String(contentsOfFile: "/sys/block/\(device)/dev", encoding: .utf8).filter { !$0.isWhitespace }
    try withService(
      "    blkio_config: {device_read_bps: [{path: /dev/\(device), rate: 1mb}]}\n"
    ) { (fixture: StackFixture) throws in
      let group = "stack/\(fixture.project)/\(fixture.project)-s-1"
      let scope = "system.slice/stack-\(fixture.project).scope/\(fixture.project)-s-1"
      let files = ["blkio/\(group)/blkio.throttle.read_bps_device", "\(group)/io.max", "\(scope)/io.max"]
        .map { "/sys/fs/cgroup/\($0)" }
      let file = try #require(files.first { FileManager.default.fileExists(atPath: $0) })
      let text = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .newlines)
      #expect(["\(number) 1048576", "\(number) rbps=1048576 wbps=max riops=max wiops=max"].contains(text), "\(text)")
    }
  }

  @Test func rarerLimitsReachTheKernelToo() throws {
    try withService(
      """
          mem_limit: 64m
          mem_reservation: 32m
          mem_swappiness: 10
          oom_kill_disable: true
          cpu_quota: 20000
          cpu_period: 50000
          cap_add: [MKNOD]
          device_cgroup_rules: ["c 1:11 w"]

      """
    ) { (fixture: StackFixture) throws in
      func control(_ first: String, _ second: String) throws -> String {
        try fixture.exec("s", "cd /sys/fs/cgroup; cat \(first) 2>/dev/null || cat \(second)")
      }
      #expect(try control("memory.low", "memory/memory.soft_limit_in_bytes") == "33554432")
      let quota = try control("cpu.max", "cpu,cpuacct/cpu.cfs_quota_us cpu/cpu.cfs_quota_us 2>/dev/null")
      #expect(["20000", "20000 50000"].contains(quota), "\(quota)")
      // Only version 1 has these.
      let control = try fixture.exec("s", "cat /sys/fs/cgroup/memory/memory.swappiness 2>/dev/null || echo absent")
      #expect(["10", "absent"].contains(control))
      let kills = try fixture.exec("s", "head -1 /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null || echo absent")
      #expect(["oom_kill_disable 1", "absent"].contains(kills))
      // The kernel's log, which anybody may open for writing, and the default rules do not allow.
      #expect(try fixture.exec("s", "mknod /k c 1 11; (: > /k) && echo open") == "open")
      #expect(try fixture.exec("s", "mknod /m c 1 1; (: > /m) 2>/dev/null || echo refused") == "refused")
      let again = try fixture.stack("up", "-d", "-t", "0", "--force-recreate")
      #expect(again.errors.contains("mem_swappiness and oom_kill_disable have no effect") == (control == "absent"))
    }
  }

  @Test func theCgroupIsTheRootOfItsNamespaceAlsoForExec() throws {
    try withService("") { (fixture: StackFixture) throws in
      // The unified hierarchy where it has the controllers, or that of memory.
      for process in ["1", "self"] {
        let lines = try fixture.exec("s", "cat /proc/\(process)/cgroup").split(separator: "\n")
        let line = try #require(lines.first { $0.contains(":memory:") } ?? lines.first { $0.hasPrefix("0::") })
        #expect(line.hasSuffix(":/"), "\(line)")
      }
      #expect(try fixture.exec("s", "mount | grep -c ' /sys/fs/cgroup.*rw,' || true") == "0")
    }
  }

  @Test func whoUsesUpItsMemoryIsKilledAndItSaysSo() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          s:
            rootfs: ./root
            mem_limit: 16m
            memswap_limit: 16m
            command: [dd, if=/dev/zero, of=/dev/null, bs=64M, count=1]
        """)
      let up = try fixture.stack("up")
      #expect(up.errors.contains("s-1 exited with code 137 (out of memory)"), "\(up.errors)")
      #expect(try fixture.stack("ps", "-a").output.contains("out of memory"))
    }
  }

  @Test func devicesAreThoseOfTheListEvenForWhoMakesNodes() throws {
    // The kernel's log, which anybody may open for writing.
    try withService("    cap_add: [MKNOD]\n    devices: ['/dev/kmsg:/dev/extra:w']\n") {
      (fixture: StackFixture) throws in
      #expect(
        try fixture.exec("s", "mknod /null c 1 3; echo x >/null; head -c 1 /dev/zero | od -c | head -n 1")
          == "0000000  \\0")
      #expect(try fixture.exec("s", "mknod /disk b 7 0; (: </disk) 2>&1").contains("Operation not permitted"))
      #expect(try fixture.exec("s", "(: >/dev/extra) 2>&1") == "")
      #expect(try fixture.exec("s", "(: </dev/extra) 2>&1").contains("Operation not permitted"))
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
      #expect(up.errors.contains("s-1 exited with code 7"), "\(up)")
    }
  }

  @Test func anInitPassesTheStopSignalOn() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let script = "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
      try fixture.file("  s: {rootfs: ./root, init: true, command: [sh, -c, \"\(script)\"]}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.eventually { try fixture.stack("logs", "s").output.contains("ready") })
      let stop = try fixture.stack("stop")
      #expect(!stop.errors.contains("Killed"), "\(stop.errors)")
      #expect(try fixture.stack("logs", "s").output.contains("got TERM"))
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
        try fixture.exec(
          "s",
          "grep -c -E '^192.0.2.9.one|.machine$' /etc/hosts;"
            + " test $(grep -m1 ^nameserver /etc/resolv.conf | cut -d' ' -f2) = $(ip route | grep ^default | cut -d' ' -f3) && echo gateway"
        ) == "2\ngateway")
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

  @Test func aUserNamespaceHasUsersLimitsAndASharedNetwork() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          web:
            rootfs: ./root
            user: app
            userns_mode: private
            ulimits: {nofile: {soft: 64, hard: 128}}
            command: [sh, -c, 'echo hello >/dev/stdout; httpd -f -p 80 -h /www']
          side: {rootfs: ./root, command: [sleep, '1000'], userns_mode: private, network_mode: 'service:web'}
        """)
      let up = try fixture.stack("up", "-d")
      try #require(up.code == 0, "\(up.errors)")
      #expect(try fixture.eventually { try fixture.stack("logs", "web").output.contains("hello") })
      #expect(try fixture.exec("web", "id -u; ulimit -n; ulimit -Hn") == "1000\n64\n128")
      #expect(try fixture.exec("side", "wget -qO- http://127.0.0.1/ 2>&1 | grep -c 404") == "1")
      #expect(try fixture.exec("side", "grep -c ' /sys sysfs ro' /proc/mounts") == "1")
    }
  }

  /// Raising a limit takes CAP_SYS_RESOURCE, which not every root has.
  @Test(.enabled(if: LimitProbe.canRaise, "this root may not raise resource limits"), arguments: ["host", "private"])
  func aLimitCanBeRaised(mode: String) throws {
    try withService("    userns_mode: \(mode)\n    ulimits: {memlock: -1}\n") { (fixture: StackFixture) throws in
      #expect(try fixture.exec("s", "grep 'locked memory' /proc/self/limits | grep -c 'unlimited *unlimited'") == "1")
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
