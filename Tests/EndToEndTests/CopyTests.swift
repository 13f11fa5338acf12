import Foundation
import TestSupport
import Testing

/// `cp` and `export`: files between the machine and containers, which are not to be trusted with paths.
@Suite(.privateNamespace)
struct CopyTests {
  private func withStack(_ body: (StackFixture) throws -> Void) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  a: {rootfs: ./root, command: [sleep, '1000'], volumes: ['v:/data'], scale: 2}", "volumes: {v: {}}")
      try FileManager.default.createDirectory(
        atPath: "\(fixture.directory)/src/sub", withIntermediateDirectories: true)
      try fixture.write("one\n", to: "src/f")
      try fixture.write("two\n", to: "src/sub/g")
      try FileManager.default.createSymbolicLink(
        atPath: "\(fixture.directory)/src/l", withDestinationPath: "/etc/passwd")
      #expect(try fixture.stack("up", "-d").code == 0)
      try body(fixture)
    }
  }

  @Test func copiesDirectoriesFilesAndTarsBothWays() throws {
    try withStack { (fixture: StackFixture) throws in
      for (source, target) in [
        ("src", "a:/tmp"), ("src", "a:/new"), ("src/.", "a:/www"), ("src/.", "a:/content"), ("src/f", "a:/data/"),
      ] {
        let outcome = try fixture.stack("cp", source, target)
        #expect(outcome.code == 0 && outcome.errors == "", "\(outcome.errors)")
      }
      #expect(
        try fixture.exec("a", "cat /tmp/src/f /new/sub/g /www/f /content/f /data/f; ls /new")
          == "one\ntwo\none\none\none\nf\nl\nsub")
      // All containers of the service got it.
      #expect(try fixture.stack("exec", "--index", "2", "a", "cat", "/new/f").output == "one\n")
      #expect(try fixture.stack("cp", "a:/tmp/src", "copied").code == 0)
      #expect(try fixture.text("copied/sub/g") == "two\n")
      #expect(try fixture.stack("cp", "a:/new/l", "link").code == 0)
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "\(fixture.directory)/link") == "/etc/passwd")
      #expect(try fixture.stack("cp", "-L", "a:/new/l", "followed").code == 0)
      // What the link means inside.
      #expect(try fixture.text("followed").contains("app:x:1000"))
      let stream = try fixture.run(
        "/bin/sh",
        [
          "-c",
          "\(StackFixture.binary) cp a:/new - | tar -x -O new/f && tar -c -C src sub | \(StackFixture.binary) cp --index 2 - a:/data",
        ])
      #expect(stream.output == "one\n" && stream.code == 0, "\(stream.errors)")
      #expect(try fixture.exec("a", "cat /data/sub/g") == "two")
    }
  }

  @Test func ownersAreRootsUnlessTheyAreKept() throws {
    try withStack { (fixture: StackFixture) throws in
      #expect(chown("\(fixture.directory)/src/f", 1234, 1235) == 0)
      #expect(try fixture.stack("cp", "src/f", "a:/tmp/plain").code == 0)
      #expect(try fixture.stack("cp", "-a", "src/f", "a:/tmp/kept").code == 0)
      #expect(try fixture.exec("a", "stat -c %u:%g /tmp/plain /tmp/kept") == "0:0\n1234:1235")
    }
  }

  @Test func linksOfAContainerDoNotLeadOut() throws {
    try withStack { (fixture: StackFixture) throws in
      try FileManager.default.createDirectory(
        atPath: "\(fixture.directory)/host", withIntermediateDirectories: true)
      try fixture.write("secret\n", to: "host/secret")
      let up = String(repeating: "../", count: 20)
      _ = try fixture.exec(
        "a",
        "ln -s \(fixture.directory)/host /tmp/absolute; ln -s \(up)\(fixture.directory)/host /tmp/relative; "
          + "ln -s /proc/1/root/\(fixture.directory)/host /tmp/magic")
      for link in ["absolute", "relative", "magic"] {
        #expect(try fixture.stack("cp", "src/f", "a:/tmp/\(link)/written").code == 1)
        #expect(try fixture.stack("cp", "a:/tmp/\(link)/secret", "stolen").code == 1)
        #expect(try fixture.stack("cp", "-L", "a:/tmp/\(link)", "stolen").code == 1)
      }
      #expect(!FileManager.default.fileExists(atPath: "\(fixture.directory)/host/written"))
      #expect(!FileManager.default.fileExists(atPath: "\(fixture.directory)/stolen"))
      // On the way out links stay links, and nothing is written through them.
      _ = try fixture.exec("a", "mkdir /evil; ln -s \(fixture.directory)/host /evil/d")
      #expect(try fixture.stack("cp", "a:/evil", "got").code == 0)
      _ = try fixture.exec("a", "rm /evil/d; mkdir /evil/d; touch /evil/d/written")
      #expect(try fixture.stack("cp", "a:/evil/.", "got").code != 0)
      #expect(!FileManager.default.fileExists(atPath: "\(fixture.directory)/host/written"))
    }
  }

  /// CVE-2019-14271, CVE-2026-41567: a copy executes no program of the container, and opens none of its libraries and databases.
  @Test func nothingOfAContainerIsUsedForACopy() throws {
    try withStack { (fixture: StackFixture) throws in
      let mark = "/tmp/ran-\(fixture.project)"
      // Who opens a pipe without a writer waits for ever.
      _ = try fixture.exec(
        "a",
        """
        mkdir -p /usr/bin /lib /lib64 /usr/lib /lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu
        for p in gzip gunzip xz unxz zstd bzip2 tar chown getent; do
          for d in /bin /usr/bin; do rm -f $d/$p; echo '#!/bin/sh' >$d/$p; echo 'echo x >\(mark)' >>$d/$p; chmod 755 $d/$p; done
        done
        for d in /lib /lib64 /usr/lib /lib/x86_64-linux-gnu /usr/lib/x86_64-linux-gnu; do
          for l in libnss_files.so.2 libnss_compat.so.2 libnss_dns.so.2 libz.so.1 liblzma.so.5; do busybox mkfifo $d/$l; done
        done
        busybox mkfifo /etc/nsswitch.conf /etc/ld.so.cache /etc/ld.so.preload; rm /etc/passwd /etc/group
        busybox mkfifo /etc/passwd /etc/group
        """)
      try NetworkLab.run("cd \(fixture.directory) && tar -czf packed.tar.gz src")
      for (arguments, input) in [
        (["cp", "src", "a:/tmp/in"], ""), (["cp", "-a", "src", "a:/tmp/kept"], ""), (["cp", "a:/tmp/in", "taken"], ""),
        (["cp", "-a", "a:/bin/gzip", "gzip"], ""), (["cp", "--index", "1", "-", "a:/tmp"], "<packed.tar.gz"),
        (["cp", "a:/tmp/in", "-"], ">/dev/null"), (["export", "-o", "all.tar", "a"], ""),
      ] {
        let line = "timeout 10 \(StackFixture.binary) \(arguments.joined(separator: " ")) \(input)"
        let outcome = try fixture.run("/bin/sh", ["-c", line])
        #expect(outcome.code == 0, "\(arguments): \(outcome.errors)")
      }
      #expect(try fixture.text("taken/sub/g") == "two\n")
      #expect(try fixture.stack("cp", "a:\(mark)", "-").errors.contains("No such file"))
      #expect(!FileManager.default.fileExists(atPath: mark))
    }
  }

  @Test func containersThatDoNotRunHaveFilesToo() throws {
    try withStack { (fixture: StackFixture) throws in
      _ = try fixture.exec("a", "echo kept >/tmp/own; echo shared >/data/f")
      #expect(try fixture.stack("stop", "-t", "0").code == 0)
      #expect(try fixture.stack("cp", "a:/tmp/own", "own").code == 0)
      #expect(try fixture.stack("cp", "a:/data/f", "shared").code == 0)
      #expect(try fixture.text("own") + fixture.text("shared") == "kept\nshared\n")
      #expect(try fixture.stack("cp", "src/f", "a:/data/later").code == 0)
      #expect(try fixture.stack("cp", "src/f", "a:/later").code == 0)
      #expect(try fixture.stack("start").code == 0)
      #expect(try fixture.exec("a", "cat /later /data/later") == "one\none")
    }
  }

  @Test func exportsTheFileSystemOfOneContainer() throws {
    try withStack { (fixture: StackFixture) throws in
      _ = try fixture.exec("a", "echo mine >/own; touch /data/volume")
      for index in ["1", "2"] {
        #expect(try fixture.stack("export", "-o", "\(index).tar", "--index", index, "a").code == 0)
      }
      let first = try fixture.run("/bin/tar", ["-tf", "1.tar"]).output.split(separator: "\n")
      let second = try fixture.run("/bin/tar", ["-tf", "2.tar"]).output.split(separator: "\n")
      #expect(first.contains("own") && first.contains("bin/busybox"))
      #expect(!second.contains("own") && second.contains("bin/busybox"))
      #expect(!first.contains("data/volume"))
      #expect(try fixture.stack("export", "--index", "3", "a").errors.contains("is not running container #3"))
    }
  }
}
