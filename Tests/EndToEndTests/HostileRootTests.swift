import Foundation
import TestSupport
import Testing

/// A root file system that was made to reach out of itself, and what must not come of it.
@Suite(.privateNamespace, .serialized)
struct HostileRootTests {
  /// A directory of the machine that nothing may change: its listing, with content.
  private struct Sentinel {
    let path: String

    init(_ fixture: StackFixture) throws {
      path = "\(fixture.directory)/sentinel"
      try NetworkLab.run("mkdir -p \(path)/pts && echo untouched >\(path)/file && touch \(path)/null")
    }

    func state() throws -> String {
      try NetworkLab.run("find \(path) -printf '%P %y %m %U %s %T@\\n' | sort; cat \(path)/file")
    }
  }

  private func withRoot(_ prepare: String, _ body: (StackFixture, Sentinel) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let sentinel = try Sentinel(fixture)
      try NetworkLab.run(
        "cd \(fixture.directory)/root && \(prepare.replacingOccurrences(of: "SENTINEL", with: sentinel.path))")
      let before = try sentinel.state()
      try body(fixture, sentinel)
      #expect(try sentinel.state() == before)
    }
  }

  private let sleeper = "rootfs: ./root, command: [sleep, '1000']"

  @Test(arguments: ["dev", "proc", "sys"])
  func systemDirectoriesAreNotFollowed(name: String) throws {
    try withRoot("rmdir \(name); ln -s SENTINEL \(name)") { fixture, _ in
      try fixture.file("  s: {\(sleeper)}")
      let up = try fixture.stack("up", "-d")
      // Later steps would fail too, when it has been mounted outside.
      #expect(up.code != 0 && up.errors.contains("mount /\(name): open \(name): Not a directory"), "\(up.errors)")
      #expect(try fixture.leftovers().filter { !$0.contains("state") } == [])
    }
  }

  @Test func theEnginesFilesReplaceLinksInTheirPlaces() throws {
    let links = ["hosts", "resolv.conf", "hostname"].map { "ln -s SENTINEL/file etc/\($0)" }.joined(separator: "; ")
    try withRoot(links) { fixture, _ in
      try fixture.file("  s: {\(sleeper)}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("s", "ls -l /etc/hosts /etc/resolv.conf /etc/hostname | cut -c1 | sort -u") == "-")
      #expect(try fixture.exec("s", "grep -c localhost /etc/hosts") != "0")
    }
  }

  @Test func mountPointsStayInside() throws {
    try withRoot(
      "mkdir -p .SENTINEL; ln -s SENTINEL mnt; ln -s SENTINEL whole; ln -s ../../../../../../SENTINEL up; ln -s /proc/1/root/SENTINEL magic"
    ) {
      fixture, sentinel in
      try fixture.file(
        "  s: {\(sleeper), volumes: ['v:/whole', 'v:/mnt/new/deep', 'v:/up/other'], tmpfs: [/mnt/t]}",
        "volumes: {v: {}}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.exec("s", "grep -c '\(sentinel.path) ' /proc/mounts") == "1")
      #expect(try fixture.exec("s", "grep -c \(sentinel.path)/new/deep /proc/mounts") == "1")
      #expect(try fixture.stack("down", "-v").code == 0)
      try fixture.file("  s: {\(sleeper), volumes: ['v:/magic/new']}", "volumes: {v: {}}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code != 0 && up.errors.contains("mount /magic/new"), "\(up.errors)")
    }
  }

  @Test(arguments: ["/proc", "/proc/self/environ", "/proc/sys/kernel/core_pattern", "/link/attr"])
  func nothingIsMountedOverProc(target: String) throws {
    try withRoot("ln -s /proc/self link") { fixture, sentinel in
      let source = target == "/proc" ? sentinel.path : "\(sentinel.path)/file"
      try fixture.file("  s: {\(sleeper), volumes: ['\(source):\(target):ro']}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code != 0, "\(up.errors)")
    }
  }

  @Test func maskedPathsAreMaskedWhateverTheImageHasInDev() throws {
    try withRoot("ln -s /proc/sysrq-trigger dev/null; ln -s SENTINEL/file dev/console; ln -s SENTINEL dev/pts") {
      fixture, _ in
      try fixture.file("  s: {\(sleeper), tty: true}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(
        try fixture.exec("s", "stat -c '%F %t:%T' /dev/null; head -c 1 /proc/keys | wc -c")
          == "character special file 1:3\n0")
      for path in ["/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe"] {
        let written = try fixture.exec("s", "(echo x >\(path)) 2>/dev/null && echo written || echo refused")
        #expect(written == "refused", "\(path)")
      }
    }
  }

  @Test func aDatabaseOfUsersThatIsNoFileDoesNotHangTheEngine() throws {
    for prepare in ["rm etc/passwd; mkfifo etc/passwd", "truncate -s 8G etc/passwd", "truncate -s 8G etc/group"] {
      try withRoot(prepare) { fixture, _ in
        try fixture.file("  s: {\(sleeper), user: app}")
        let before = Date()
        #expect(try fixture.stack("up", "-d").code != 0)
        #expect(Date().timeIntervalSince(before) < 10)
      }
    }
    // Whether anybody is looked for in it or not.
    try withRoot("rm etc/passwd; mkfifo etc/passwd") { fixture, _ in
      try fixture.file("  s: {\(sleeper), user: '5'}")
      let up = try fixture.stack("up", "-d")
      #expect(up.code != 0 && up.errors.contains("etc/passwd"), "\(up.errors)")
    }
    try withRoot("rm etc/passwd; ln -s SENTINEL/passwd etc/passwd; echo evil:x:7:7::/:/bin/sh >SENTINEL/passwd") {
      fixture, _ in
      try fixture.file("  s: {\(sleeper), user: evil}")
      #expect(try fixture.stack("up", "-d").code != 0)
    }
  }

  @Test func noDirectoryOfTheMachineIsAWorkingDirectory() throws {
    try withRoot("ln -s /proc/self/fd/9 nine") { fixture, _ in
      try fixture.file("  s: {\(sleeper)}")
      // What the caller has open is not open in the container.
      let up = try fixture.run("/bin/sh", ["-c", "exec 9</etc 8</; exec \(StackFixture.binary) up -d"])
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("s", "ls /proc/1/fd | wc -l; ls /proc/self/fd | wc -l") == "3\n4")
      let exec = "exec 9</etc 8</; exec \(StackFixture.binary) exec -T s sh -c 'ls /proc/self/fd | wc -l'"
      #expect(try fixture.run("/bin/sh", ["-c", exec]).output == "4\n")
      for path in (3...16).map({ "/proc/self/fd/\($0)" }) + ["/nine", "/proc/self/fd/3/../..", "/proc/1/root/.."] {
        let look = try fixture.stack("exec", "-w", path, "s", "ls", "root/busybox.marker", "sentinel")
        #expect(look.code != 0, "\(path)")
      }
      try fixture.file("  s: {\(sleeper), working_dir: /proc/self/fd/8}")
      let again = try fixture.run("/bin/sh", ["-c", "exec 9</etc 8</; exec \(StackFixture.binary) up -d"])
      #expect(again.code != 0, "\(again.errors)")
    }
  }

  @Test func theCallersGroupsAndCapabilitiesStayOutside() throws {
    try withRoot("true") { fixture, _ in
      try fixture.file("  s: {\(sleeper)}\n  t: {\(sleeper), user: app}")
      let up = try fixture.run(
        "/usr/bin/setpriv", ["--groups=4242,4343", "--inh-caps=+chown,+net_raw", StackFixture.binary, "up", "-d"])
      #expect(up.code == 0, "\(up.errors)")
      for service in ["s", "t"] {
        for process in ["1", "self"] {
          let status = try fixture.exec(service, "grep -E '^(Groups|CapInh|CapAmb)' /proc/\(process)/status")
          #expect(!status.contains("4242"), "\(status)")
          #expect(status.contains("CapInh:\t0000000000000000") && status.contains("CapAmb:\t0000000000000000"))
        }
      }
    }
  }

  /// What an image or a file says is shown, not obeyed, where it is not the service's own output.
  @Test func tablesCarryNoControlCharacters() throws {
    try withRoot("true") { fixture, _ in
      try fixture.file(#"  s: {rootfs: ./root, command: [sh, -c, "exec sleep 1000 # \e]0;owned\a\e[2J"]}"#)
      #expect(try fixture.stack("up", "-d").code == 0)
      for arguments in [["ps"], ["ps", "--no-trunc"], ["top"], ["inspect"], ["ps", "--format", "json"]] {
        let shown = try fixture.run(StackFixture.binary, arguments)
        #expect(!shown.output.utf8.contains(0x1b), "\(arguments)")
      }
    }
  }
}
