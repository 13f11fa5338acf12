import Foundation
import Glibc
import LinuxSystem
import TestSupport
import Testing

/// Who a service's users are on the machine, and whose its files are there.
@Suite(.privateNamespace, .serialized)
struct OwnershipTests {
  private func owner(_ path: String, _ fixture: StackFixture) throws -> String {
    try NetworkLab.run("stat -c %u \(fixture.directory)/\(path)").trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private func base(of service: String, _ fixture: StackFixture) throws -> String {
    try fixture.exec(service, "cat /proc/self/uid_map").split(separator: " ").map(String.init)[1]
  }

  /// A file system whose owners can be mapped, whatever the tests run on.
  private func withDisk(_ fixture: StackFixture, _ body: () throws -> Void) throws {
    let disk = "\(fixture.directory)/disk"
    try NetworkLab.run(
      "mkdir -p \(disk); truncate -s 16M \(disk).img && mkfs.ext4 -q \(disk).img && mount -o loop \(disk).img \(disk)")
    defer { _ = try? NetworkLab.run("umount \(disk)") }
    try body()
  }

  /// A service of each kind that keeps the machine's user namespace, with what `inspect` gives as the reason.
  private static let hindered: [(service: String, text: String, reason: String)] = [
    ("maker", "cap_add: [MKNOD]", "cap_add MKNOD"),
    ("kernel", "volumes: ['/proc/sys:/s:ro']", "the file system of /proc/sys cannot map owners"),
    ("high", "user: '2000000'", "user or group 2000000"),
    ("foreign", "volumes: ['./disk/foreign:/f']", "belongs to user 2000000"),
    ("within", "volumes: ['./disk/mixed:/f']", "/disk/mixed/inner, which belongs to user 0 and group 3000000"),
    ("listener", "volumes: ['./disk/sockets:/f']", "the socket"),
    ("open", "privileged: true", "privileged"),
    ("none", "userns_mode: host", "userns_mode: host"),
    ("partner", "pid: 'service:watched'", "processes or IPC shared with service watched"),
    ("watched", "ipc: shareable", "processes or IPC shared with service partner"),
    ("device", "devices: ['/dev/null:/dev/nothing']", "device /dev/null"),
    ("queue", "sysctls: {net.core.somaxconn: '200'}", "sysctl net.core.somaxconn"),
    ("everybody", "sysctls: {net.ipv4.ping_group_range: '0 2147483647'}", "sysctl net.ipv4.ping_group_range"),
  ]

  @Test func aServiceHasANamespaceWhereNothingIsInTheWay() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try withDisk(fixture) {
        let disk = "\(fixture.directory)/disk"
        try NetworkLab.run(
          """
          mkdir \(disk)/own \(disk)/foreign \(disk)/mixed \(disk)/sockets; chown 2000000 \(disk)/foreign
          touch \(disk)/mixed/inner; chgrp 3000000 \(disk)/mixed/inner
          """)
        let listener = try LocalListener("s", in: "\(disk)/sockets")
        defer { withExtendedLifetime(listener) {} }
        let hindered = Self.hindered.map {
          "  \($0.service): {rootfs: ./root, command: [sleep, '1000'], \($0.text)}\n"
        }.joined()
        try fixture.file(
          """
            plain: {rootfs: ./root, command: [sleep, '1000'], volumes: ['data:/data', './disk/own:/disk']}
            other: {rootfs: ./root, command: [sleep, '1000'], volumes: ['data:/data']}
            fixed: {rootfs: ./root, command: [sleep, '1000'], userns_mode: '200000:200000:65536'}
          \(hindered)
          """, "volumes: {data: {}}")
        let up = try fixture.stack("up", "-d", environment: ["STACK_USERNS": "auto"])
        try #require(up.code == 0, "\(up.errors)")
        let plain = try base(of: "plain", fixture)
        #expect(plain != "0")
        #expect(try base(of: "other", fixture) == plain)
        for (service, _, reason) in Self.hindered {
          #expect(try base(of: service, fixture) == "0", "\(service)")
          let told = try fixture.stack("inspect", service).output
          #expect(told.contains(/"MachineUserNamespaceReason": "[^"]*/) && told.contains(reason), "\(service): \(told)")
        }
        #expect(try base(of: "fixed", fixture) == "200000")
        #expect(try fixture.stack("inspect", "plain").output.contains(#""MachineUserNamespaceReason": null"#))
        // Both see each other's files as their own, and the machine sees root's.
        #expect(
          try fixture.exec("plain", "touch /data/x /disk/x; stat -c %u /data/x /disk/x /bin/busybox") == "0\n0\n0")
        #expect(try fixture.exec("other", "stat -c %u /data/x; touch /data/x && echo written") == "0\nwritten")
        #expect(try owner("disk/own/x", fixture) == "0")
        // A million users are enough for most.
        #expect(try fixture.exec("plain", "touch /y && chown 1048575 /y && stat -c %u /y") == "1048575")
        // Outside it is nobody: what is open to root alone is closed.
        let process = try NetworkLab.run(
          "for p in /proc/[0-9]*; do grep -qs '^ *0 *\(plain) ' $p/uid_map && stat -c %u $p && break; done")
        #expect(process.trimmingCharacters(in: .whitespacesAndNewlines) == plain)
      }
    }
  }

  /// What the host's mode has always done: owners are what they are on the disk, and files of root alone can be read.
  @Test func bindMountsAreInANamespaceWhatTheyAreWithoutOne() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try withDisk(fixture) {
        let disk = "\(fixture.directory)/disk"
        try NetworkLab.run(
          "echo secret >\(disk)/closed; chmod 600 \(disk)/closed; install -d -o 1000 -g 1000 -m 700 \(disk)/home")
        try fixture.file(
          """
            mapped: {rootfs: ./root, command: [sleep, '1000'], userns_mode: private, volumes: ['./disk:/d', 'data:/data']}
            machine: {rootfs: ./root, command: [sleep, '1000'], userns_mode: host, volumes: ['./disk:/d', 'data:/data']}
            app: {rootfs: ./root, command: [sleep, '1000'], userns_mode: private, user: app, volumes: ['./disk/home:/h']}
          """, "volumes: {data: {}}")
        let up = try fixture.stack("up", "-d")
        try #require(up.code == 0, "\(up.errors)")
        for service in ["mapped", "machine"] {
          #expect(
            try fixture.exec(service, "cat /d/closed; stat -c %u:%g /d/closed /d/home") == "secret\n0:0\n1000:1000")
          let made = "touch /d/\(service) /data/\(service); chown 1000:1001 /data/\(service)"
          #expect(try fixture.exec(service, made) == "")
          #expect(try owner("disk/\(service)", fixture) == "0")
        }
        #expect(try fixture.exec("machine", "stat -c %u:%g /data/mapped /data/machine") == "1000:1001\n1000:1001")
        #expect(try fixture.exec("mapped", "stat -c %u:%g /data/mapped /data/machine") == "1000:1001\n1000:1001")
        #expect(try fixture.exec("app", "touch /h/x && stat -c %u:%g /h/x") == "1000:1000")
        #expect(try owner("disk/home/x", fixture) == "1000")
      }
    }
  }

  /// What an image's files have beside their owners works for the users of a namespace too.
  @Test(arguments: ["host", "private"])
  func setUserIDAndFileCapabilitiesOfTheRootWork(mode: String) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let bin = "\(fixture.directory)/root/bin"
      try NetworkLab.run(
        """
        rm \(bin)/grep; cp /bin/busybox \(bin)/grep; cp /bin/busybox \(bin)/su; chmod 4755 \(bin)/su
        echo root::0:0::/:/bin/sh >\(bin)/../etc/passwd; echo app:x:1000:1000::/:/bin/sh >>\(bin)/../etc/passwd
        """)
      // cap_chown+ep (capabilities(7), version 2).
      try ExtendedAttribute.set(
        "security.capability", [1, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], of: "\(bin)/grep")
      try fixture.file("  s: {rootfs: ./root, user: app, command: [sleep, '1000'], userns_mode: \(mode)}")
      let up = try fixture.stack("up", "-d")
      try #require(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("s", "/bin/grep -c 'CapEff:.*1$' /proc/self/status") == "1")
      #expect(try fixture.exec("s", "/bin/su root -c 'id -u'") == "0")
    }
  }

  @Test func anImageWithHighOwnersStaysWithTheMachine() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try NetworkLab.run("mkdir \(fixture.directory)/root/deep; chown 1048576 \(fixture.directory)/root/deep")
      #expect(try fixture.stack("image", "import", "high", "\(fixture.directory)/root").code == 0)
      try NetworkLab.run("chown 1048575 \(fixture.directory)/root/deep")
      #expect(try fixture.stack("image", "import", "low", "\(fixture.directory)/root").code == 0)
      try fixture.file(
        """
          high: {image: high, command: [sleep, '1000']}
          low: {image: low, command: [sleep, '1000']}
        """)
      let up = try fixture.stack("up", "-d", environment: ["STACK_USERNS": "auto"])
      try #require(up.code == 0, "\(up.errors)")
      #expect(try fixture.exec("high", "stat -c %u /deep") == "1048576")
      #expect(try fixture.exec("low", "stat -c %u /deep") == "1048575")
      #expect(try base(of: "high", fixture) == "0")
      #expect(try base(of: "low", fixture) != "0")
      #expect(
        try fixture.stack("inspect", "high").output.contains(
          "a file of the image that belongs to user or group 1048576"))
      // Of layers that were unpacked before it was written down, it is found out.
      #expect(try fixture.stack("down").code == 0)
      try NetworkLab.run(
        """
        for r in \(fixture.directory)/data/images/layers/*/record; do truncate -s -4 $r; done
        """)
      #expect(try fixture.stack("up", "-d", environment: ["STACK_USERNS": "auto"]).code == 0)
      #expect(try base(of: "high", fixture) == "0")
      #expect(try base(of: "low", fixture) != "0")
    }
  }

  @Test func withoutAWordItIsOneOfItsOwn() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  s: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "-d", environment: ["STACK_USERNS": ""]).code == 0)
      #expect(try base(of: "s", fixture) != "0")
      // What runs is left alone.
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.stack("up", "-d", environment: ["STACK_USERNS": "host"]).code == 0)
      #expect(try base(of: "s", fixture) == "0")
      #expect(try fixture.stack("inspect", "s").output.contains("STACK_USERNS=host"))
      #expect(try fixture.stack("up", "-d", environment: ["STACK_USERNS": "on"]).code == 2)
    }
  }

  /// Wherever it goes, and whether the container runs: in its root, a volume, and a directory that is mapped to the caller.
  @Test(arguments: ["host", "private"])
  func copiedFilesHaveTheOwnersThatTheContainerKnows(mode: String) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try withDisk(fixture) {
        let directory = fixture.directory
        try NetworkLab.run(
          """
          install -d -o 1234 -g 1235 \(directory)/disk/own; mkdir -p \(directory)/src/sub; cp /bin/busybox \(directory)/src/grep
          echo f >\(directory)/src/sub/f; ln -s f \(directory)/src/sub/l; mkfifo \(directory)/src/pipe
          chown -hR 1000:1001 \(directory)/src
          """)
        let capability: [UInt8] = [1, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        try ExtendedAttribute.set("security.capability", capability, of: "\(directory)/src/grep")
        try fixture.file(
          """
            s: {rootfs: ./root, command: [sleep, '1000'], userns_mode: \(mode), volumes: ['data:/data', './disk/own:/own']}
          """, "volumes: {data: {}}")
        #expect(try fixture.stack("up", "-d", environment: ["SUDO_UID": "1234", "SUDO_GID": "1235"]).code == 0)
        for state in ["running", "stopped"] {
          if state == "stopped" { #expect(try fixture.stack("stop", "-t", "0").code == 0) }
          for place in ["/tmp", "/data", "/own"] {
            for (option, name) in [("--archive", "kept"), ("--follow-link", "plain")] {
              let outcome = try fixture.stack("cp", option, "src", "s:\(place)/\(name)-\(state)")
              #expect(outcome.code == 0 && outcome.errors == "", "\(place): \(outcome.errors)")
            }
            let tar = try fixture.run(
              "/bin/sh", ["-c", "tar -c -C src sub | \(StackFixture.binary) cp - s:\(place)"])
            #expect(tar.code == 0 && tar.errors == "", "\(place): \(tar.errors)")
            // And back, with the capability that counts here.
            let back = "\(state)\(place.dropFirst())"
            #expect(try fixture.stack("cp", "-a", "s:\(place)/kept-\(state)", back).code == 0)
            #expect(ExtendedAttribute.get("security.capability", of: "\(directory)/\(back)/grep") == capability)
            #expect(try owner("\(back)/sub/f", fixture) == "1000")
          }
        }
        #expect(try fixture.stack("start").code == 0)
        for place in ["/tmp", "/data", "/own"] {
          for state in ["running", "stopped"] {
            let kept = "cd \(place)/kept-\(state); stat -c %u:%g . sub sub/f sub/l pipe grep ../sub/f"
            #expect(try fixture.exec("s", kept) == Array(repeating: "1000:1001", count: 7).joined(separator: "\n"))
            let plain = "cd \(place)/plain-\(state); stat -c %u:%g . sub sub/f sub/l pipe grep"
            #expect(try fixture.exec("s", plain) == Array(repeating: "0:0", count: 6).joined(separator: "\n"))
            let program = "\(place)/kept-\(state)/grep"
            #expect(
              try fixture.stack("exec", "-u", "app", "s", program, "-c", "CapEff:.*1$", "/proc/self/status").output
                == "1\n", "\(program)")
          }
        }
        #expect(try owner("disk/own/plain-running/sub/f", fixture) == "1234")
        #expect(try owner("disk/own/plain-stopped/sub/f", fixture) == "1234")
      }
    }
  }

  @Test(arguments: ["host", "private"])
  func topShowsTheUsersThatTheContainerKnows(mode: String) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          root: {rootfs: ./root, command: [sleep, '1000'], userns_mode: \(mode)}
          app: {rootfs: ./root, command: [sleep, '1000'], userns_mode: \(mode), user: app}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let top = try fixture.stack("top").output
      #expect(top.contains(/\nroot +1 +0 +\d/) && top.contains(/\napp +1 +1000 +\d/), "\(top)")
    }
  }

  @Test func stacksHaveNumbersOfTheirOwn() throws {
    try StackFixture.with { (first: StackFixture) throws in
      try StackFixture.with { (second: StackFixture) throws in
        var bases: Set<String> = []
        for fixture in [first, second] {
          try fixture.file("  s: {rootfs: ./root, command: [sleep, '1000'], userns_mode: private}")
          #expect(try fixture.stack("up", "-d").code == 0)
          bases.insert(try base(of: "s", fixture))
        }
        #expect(bases.count == 2)
      }
    }
  }

  @Test(arguments: ["host", "private"])
  func whatAServiceWritesBelongsToWhoCalled(mode: String) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try withDisk(fixture) {
        try NetworkLab.run("mkdir \(fixture.directory)/disk/own \(fixture.directory)/disk/roots")
        try NetworkLab.run("chown 1234:1235 \(fixture.directory)/disk/own; touch \(fixture.directory)/disk/own/old")
        try fixture.file(
          """
            root: {rootfs: ./root, command: [sleep, '1000'], userns_mode: \(mode), volumes: ['./disk/own:/own', './disk/roots:/roots']}
            app: {rootfs: ./root, command: [sleep, '1000'], user: app, userns_mode: \(mode), volumes: ['./disk/own:/own']}
            as-is: {rootfs: ./root, command: [sleep, '1000'], userns_mode: \(mode), x-own: none, volumes: ['./disk/own:/own']}
          """)
        let caller = ["SUDO_UID": "1234", "SUDO_GID": "1235"]
        let up = try fixture.stack("up", "-d", environment: caller)
        try #require(up.code == 0, "\(up.errors)")
        #expect(try fixture.exec("root", "stat -c %u:%g /own; touch /own/a /roots/a; stat -c %u /own/a") == "0:0\n0")
        #expect(try fixture.exec("app", "touch /own/b; stat -c %u:%g /own/b /own") == "1000:1000\n1000:1000")
        #expect(try fixture.exec("as-is", "touch /own/c; stat -c %u /own/c /own") == "0\n1234")
        let owners = try ["own/a", "own/b", "own/c", "own/old", "roots/a"].map { try owner("disk/\($0)", fixture) }
        #expect(owners == ["1234", "1234", "0", "0", "0"])
        #expect(try NetworkLab.run("stat -c %g \(fixture.directory)/disk/own/b") == "1235\n")
      }
    }
  }
}

/// A unix socket that somebody listens on.
private struct LocalListener {
  private let socket: SharedDescriptor

  init(_ name: String, in directory: String) throws {
    let opened = try Files.open(directory, O_RDONLY | O_DIRECTORY)
    socket = SharedDescriptor(try LocalSocket.listen(name, in: opened.borrowed))
  }
}
