import Foundation
import TestSupport
import Testing

/// Attempts of a service to get at the machine: through the kernel's interfaces, paths that change while they are used, and
/// what the engine keeps about it.
@Suite(.privateNamespace, .serialized)
struct EscapeTests {
  /// Prints what each attempt ends with.
  private static let attempts = """
    import ctypes, fcntl, os, socket, termios
    libc = ctypes.CDLL(None, use_errno=True)
    def call(name, *arguments):
        ctypes.set_errno(0)
        done = libc.syscall(*arguments)
        print(name, 'done' if done >= 0 else os.strerror(ctypes.get_errno()))
    def attempt(name, act):
        try:
            act()
            print(name, 'done')
        except OSError as error: print(name, error.strerror)
    NEWUSER, NEWNS = 0x10000000, 0x20000
    call('unshare', 272, NEWUSER)
    call('unshare mounts', 272, NEWNS)
    call('clone3', 435, 0, 0)
    call('mount', 165, b'x', b'/tmp', b'cgroup', 0, 0)
    call('fsopen', 430, b'tmpfs', 0)
    call('open_by_handle_at', 304, -1, 0, 0)
    call('bpf', 321, 5, 0, 0)
    call('io_uring_setup', 425, 1, 0)
    call('keyctl', 250, 0, 0)
    call('userfaultfd', 323, 0)
    attempt('AF_ALG', lambda: socket.socket(38, socket.SOCK_SEQPACKET))
    attempt('AF_VSOCK', lambda: socket.socket(40, socket.SOCK_STREAM))
    ends = os.openpty()
    attempt('TIOCSTI', lambda: fcntl.ioctl(ends[1], termios.TIOCSTI, b'x'))
    attempt('TIOCLINUX', lambda: fcntl.ioctl(ends[1], 0x541c, b'x'))
    for root, directories, files in os.walk('/sys/fs/cgroup'):
        for file in files:
            if file in ('release_agent', 'cgroup.procs', 'notify_on_release', 'devices.allow'):
                attempt('cgroup', lambda: os.open(root + '/' + file, os.O_WRONLY))
        attempt('cgroup', lambda: os.mkdir(root + '/mine'))
        del directories[:]
    """

  @Test func theKernelsInterfacesAreClosed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write(Self.attempts, to: "attempts.py")
      try fixture.file(
        "  s: {rootfs: host, command: [sleep, '1000'], volumes: ['./attempts.py:/srv/attempts.py:ro']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let seen = try fixture.exec("s", "/usr/bin/python3 /srv/attempts.py").split(separator: "\n").map(String.init)
      let refused = "Operation not permitted"
      let wrong = seen.filter { line in
        if line.hasPrefix("clone3 ") { return line != "clone3 Function not implemented" }
        if line.hasPrefix("cgroup ") { return line != "cgroup Read-only file system" }
        return !line.hasSuffix(refused)
      }
      #expect(seen.count { !$0.hasPrefix("cgroup ") } == 14)
      #expect(seen.contains { $0.hasPrefix("cgroup ") })
      #expect(wrong == [])
    }
  }

  /// Exchanges a directory of a volume with a link out of it, as fast as it can: as a container that has the volume would.
  private static let exchanger = """
    import ctypes, os, sys
    libc = ctypes.CDLL(None)
    volume, outside = sys.argv[1:]
    os.makedirs(volume + '/t')
    open(volume + '/t/inside', 'w').write('inside')
    os.symlink(outside, volume + '/s')
    t, s = (volume + '/t').encode(), (volume + '/s').encode()
    while True: libc.renameat2(-100, t, -100, s, 2)
    """

  private func withExchanger(_ services: String, _ body: (StackFixture) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let sentinel = "\(fixture.directory)/sentinel"
      try fixture.write(Self.exchanger, to: "exchange.py")
      try NetworkLab.run("mkdir -p \(sentinel); echo secret >\(sentinel)/file")
      try fixture.file(
        "  holder: {rootfs: ./root, command: [sleep, '1000'], volumes: ['data:/data']}\n\(services)",
        "volumes: {data: {}, inner: {}}")
      #expect(try fixture.stack("up", "-d", "holder").code == 0)
      let volume = "\(fixture.directory)/data/volumes/\(fixture.project)_data/data"
      let exchanger = try fixture.start("/usr/bin/python3", ["exchange.py", volume, sentinel])
      defer {
        exchanger.signal(SIGKILL)
        _ = try? exchanger.wait(seconds: 5)
      }
      #expect(fixture.eventually { FileManager.default.fileExists(atPath: "\(volume)/s") })
      let state = { try NetworkLab.run("find \(sentinel) -printf '%P %y %m %s %T@\n'; cat \(sentinel)/file") }
      let before = try state()
      try body(fixture)
      #expect(try state() == before)
    }
  }

  /// CVE-2021-30465: what is mounted goes to what was looked at.
  @Test func aPathThatChangesWhileItIsMountedOnStaysInside() throws {
    let volumes = "['data:/data', 'inner:/data/t/inner']"
    try withExchanger("  victim: {rootfs: ./root, command: [ls, /data/t/], volumes: \(volumes)}") {
      (fixture: StackFixture) throws in
      for _ in 0..<15 {
        let seen = try fixture.run(StackFixture.binary, ["run", "--rm", "-T", "victim"])
        #expect(!seen.output.contains("file"), "\(seen)")
      }
    }
  }

  /// CVE-2018-15664: the same for `cp`.
  @Test func aPathThatChangesWhileItIsCopiedStaysInside() throws {
    try withExchanger("") { (fixture: StackFixture) throws in
      try fixture.write("mine", to: "mine")
      var copies = 0
      // Most rounds end at a name that has just changed; one that does not is enough.
      for round in 0..<200 where round < 20 || copies == 0 {
        _ = try fixture.stack("cp", "mine", "holder:/data/t/file")
        _ = try fixture.stack("cp", "mine", "holder:/data/t/new")
        if try fixture.stack("cp", "holder:/data/t/.", "got\(round)").code != 0 { continue }
        copies += 1
        let type = try FileManager.default.attributesOfItem(atPath: "\(fixture.directory)/got\(round)")[.type]
        #expect(type as? FileAttributeType == .typeDirectory)
        #expect(!FileManager.default.fileExists(atPath: "\(fixture.directory)/got\(round)/secret"))
      }
      #expect(copies > 0)
    }
  }

  /// The same for what is mounted: a part of a volume is what has its name, and never what a link there leads to.
  @Test func aPartOfAVolumeThatChangesStaysInside() throws {
    let volumes = "[{type: volume, source: data, target: /seen, volume: {subpath: t}}]"
    try withExchanger("  victim: {rootfs: ./root, command: [ls, /seen], volumes: \(volumes)}") {
      (fixture: StackFixture) throws in
      var found = 0
      for round in 0..<60 where round < 15 || found == 0 {
        let seen = try fixture.run(StackFixture.binary, ["run", "--rm", "-T", "victim"])
        #expect(!seen.output.split(separator: "\n").contains("file"), "\(seen)")
        found += seen.output == "inside\n" ? 1 : 0
      }
      #expect(found > 0)
    }
  }

  /// What the kernel shows of the whole machine is empty, and what changes it cannot be written.
  @Test func filesOfTheWholeMachineAreMasked() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  s: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let hidden = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/scsi", "/proc/sched_debug", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
        "/sys/devices/virtual/powercap",
      ].filter { FileManager.default.fileExists(atPath: $0) }
      #expect(hidden.count > 3)
      for path in hidden {
        let shown = "if [ -d \(path) ]; then ls -A \(path); else head -c 1 \(path) 2>/dev/null; fi | wc -c"
        #expect(try fixture.exec("s", shown) == "0", "\(path)")
      }
      for path in ["bus", "fs", "irq", "sys", "sysrq-trigger"]
      where FileManager.default.fileExists(atPath: "/proc/\(path)") {
        #expect(try fixture.exec("s", "grep -c ' /proc/\(path) proc ro,' /proc/mounts") == "1", "\(path)")
      }
    }
  }

  /// Names become directories, cgroups, links and tables.
  @Test(arguments: ["../x", "a/b", "a\nb", "..", "", String(repeating: "x", count: 300)])
  func aNameIsNoPath(name: String) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  s: {rootfs: ./root, command: [sleep, '1000']}")
      if !name.isEmpty { #expect(try fixture.run(StackFixture.binary, ["-p", name, "up", "-d"]).code != 0) }
      let quoted = name.replacingOccurrences(of: "\n", with: "\\n")
      try fixture.file("  s: {rootfs: ./root, command: [sleep, '1000'], container_name: \"\(quoted)\"}")
      // What a container is called may be long: nothing is named after that.
      #expect(try fixture.stack("up", "-d").code != 0 || name.count > 255)
      if name.count > 255 { #expect(try fixture.stack("down").code == 0) }
      try fixture.file("  \"\(quoted)\": {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d").code != 0 || name == "..")
      if name == ".." { #expect(try fixture.stack("down").code == 0) }
      #expect(try NetworkLab.run("ls -A \(fixture.directory)/run/projects 2>/dev/null || true") == "")
    }
  }

  /// CVE-2020-15257: whoever has the machine's network has its abstract sockets.
  @Test func theEngineHasNoAbstractSockets() throws {
    func abstract() throws -> [String] {
      try NetworkLab.run("cat /proc/net/unix").split(separator: "\n").compactMap { line in
        line.split(separator: " ").last.flatMap { $0.hasPrefix("@") ? String($0) : nil }
      }
    }
    let before = try abstract()
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          s: {rootfs: ./root, command: [sleep, '1000'], stdin_open: true}
          hosted: {rootfs: ./root, command: [sleep, '1000'], network_mode: host}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try abstract() == before)
    }
  }

  /// With the values that they have: what gets through does no harm.
  @Test(arguments: [
    ("kernel.core_pattern", ""), ("net/../kernel/core_pattern", ""), ("net.ipv4/../../kernel/core_pattern", ""),
    ("vm.swappiness", ""), ("fs.file-max", ""), ("user.max_user_namespaces", ""),
    ("net.ipv4.ip_default_ttl", ", network_mode: host"), ("kernel.hostname", ", uts: host"),
    ("kernel.shmmax", ", ipc: host"), ("kernel.panic", ", privileged: true"),
  ])
  func settingsOfTheMachineAreRefused(key: String, more: String) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let file = key.split(whereSeparator: { ["/", "."].contains($0) }).joined(separator: "/")
      let path = key.contains("..") ? "kernel/core_pattern" : file
      let value = try NetworkLab.run("cat /proc/sys/\(path)").split(separator: "\n").first ?? ""
      try fixture.file("  s: {rootfs: ./root, command: [sleep, '1000'], sysctls: {'\(key)': '\(value)'}\(more)}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code != 0)
      #expect(up.errors.contains("is a setting of the whole machine"), "\(up.errors)")
    }
  }

  @Test func whatIsSecretStaysInMemoryAndWithRoot() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let canary = "canary-\(fixture.project)"
      try fixture.write(canary, to: "secret.txt")
      try NetworkLab.run("mkdir \(fixture.directory)/run && mount -t tmpfs tmpfs \(fixture.directory)/run")
      defer { _ = try? NetworkLab.run("umount \(fixture.directory)/run") }
      try fixture.file(
        "  s: {rootfs: ./root, command: [sleep, '1000'], secrets: [token], stdin_open: true}",
        "secrets: {token: {file: ./secret.txt}}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("s", "cat /run/secrets/token") == canary)
      // Not on a disk, not in what is shown, and not in a process's environment.
      #expect(try NetworkLab.run("grep -rl \(canary) \(fixture.directory)/data || true") == "")
      for arguments in [["config"], ["inspect"], ["logs"], ["ps", "-a"], ["events", "--since", "0", "--until", "0s"]] {
        #expect(!(try fixture.run(StackFixture.binary, arguments).output.contains(canary)), "\(arguments)")
      }
      #expect(try fixture.exec("s", "grep -c \(canary) /proc/1/environ /proc/self/environ || true").hasSuffix(":0"))
      // Another user of the machine sees no file and no socket of it.
      for place in ["run", "data"] {
        let path = "\(fixture.directory)/\(place)"
        try NetworkLab.run("chmod 755 \(fixture.directory)")
        let seen = try NetworkLab.run(
          "setpriv --reuid=65534 --regid=65534 --clear-groups find \(path) -mindepth 1 ! -path '*/base*' -readable 2>/dev/null || true"
        )
        #expect(seen == "", "\(place)")
        #expect(try NetworkLab.run("find \(path) -mindepth 1 -maxdepth 1 -perm /077 ! -type d") == "")
      }
    }
  }

  /// Names that are no text, and a tree that is deeper than there are descriptors, go as everything else does.
  @Test func whatAServiceLeavesCanAlwaysBeRemoved() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      // In the directory of the image, which a new volume takes over.
      try NetworkLab.run("cd \(fixture.directory)/root; mkdir seed; echo x >seed/$(printf 'a\\377b')")
      try fixture.file(
        "  s: {rootfs: ./root, command: [sleep, '1000'], volumes: ['data:/seed']}", "volumes: {data: {}}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("s", "cat /seed/*") == "x")
      _ = try fixture.exec(
        "s",
        "p=$(yes d/ | head -n 1900 | tr -d '\\n'); for at in /tmp /seed; do cd $at; mkdir -p $p; touch $(printf '\\200'); done"
      )
      let down = try fixture.stack("down", "-v", "-t", "0")
      #expect(down.code == 0, "\(down.errors)")
      #expect(try fixture.leftovers() == [])
      #expect(try NetworkLab.run("ls \(fixture.directory)/data/volumes") == "")
    }
  }
}
