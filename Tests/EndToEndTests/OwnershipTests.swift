import Foundation
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

  @Test func autoIsANamespaceWhereNothingIsInTheWay() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try withDisk(fixture) {
        try NetworkLab.run("mkdir \(fixture.directory)/disk/foreign; chown 70000 \(fixture.directory)/disk/foreign")
        try fixture.file(
          """
            plain: {rootfs: ./root, command: [sleep, '1000'], userns_mode: auto, volumes: ['data:/data', './disk:/disk']}
            other: {rootfs: ./root, command: [sleep, '1000'], userns_mode: auto, volumes: ['data:/data']}
            maker: {rootfs: ./root, command: [sleep, '1000'], userns_mode: auto, cap_add: [MKNOD]}
            kernel: {rootfs: ./root, command: [sleep, '1000'], userns_mode: auto, volumes: ['/proc/sys:/s:ro']}
            high: {rootfs: ./root, command: [sleep, '1000'], userns_mode: auto, user: '70000'}
            foreign: {rootfs: ./root, command: [sleep, '1000'], userns_mode: auto, volumes: ['./disk/foreign:/f']}
            open: {rootfs: ./root, command: [sleep, '1000'], userns_mode: auto, privileged: true}
            fixed: {rootfs: ./root, command: [sleep, '1000'], userns_mode: '200000:200000:65536'}
            none: {rootfs: ./root, command: [sleep, '1000'], userns_mode: host}
          """, "volumes: {data: {}}")
        let up = try fixture.stack("up", "-d")
        try #require(up.code == 0, "\(up.errors)")
        let plain = try base(of: "plain", fixture)
        #expect(plain != "0")
        #expect(try base(of: "other", fixture) == plain)
        for service in ["maker", "kernel", "high", "foreign", "open", "none"] {
          #expect(try base(of: service, fixture) == "0", "\(service)")
        }
        #expect(try base(of: "fixed", fixture) == "200000")
        // Both see each other's files as their own, and the machine sees root's.
        #expect(
          try fixture.exec("plain", "touch /data/x /disk/x; stat -c %u /data/x /disk/x /bin/busybox") == "0\n0\n0")
        #expect(try fixture.exec("other", "stat -c %u /data/x; touch /data/x && echo written") == "0\nwritten")
        #expect(try owner("disk/x", fixture) == "0")
        // Outside it is nobody: what is open to root alone is closed.
        let process = try NetworkLab.run(
          "for p in /proc/[0-9]*; do grep -qs '^ *0 *\(plain) ' $p/uid_map && stat -c %u $p && break; done")
        #expect(process.trimmingCharacters(in: .whitespacesAndNewlines) == plain)
      }
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
