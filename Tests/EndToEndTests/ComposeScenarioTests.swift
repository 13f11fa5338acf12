import Foundation
import TestSupport
import Testing

/// End-to-end scenarios of docker compose whose checks ask the docker command, in our own words.
@Suite(.privateNamespace)
struct ComposeScenarioTests {
  /// TestCopy: to all replicas unless one is named, files and directories, both ways.
  @Test func copyingReachesAllReplicasOrTheOneThatIsNamed() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  web: {rootfs: ./root, command: [sleep, '1000']}")
      #expect(try fixture.stack("up", "--scale", "web=5", "-d").code == 0)
      try fixture.write("hello world", to: "cp-me.txt")
      #expect(try fixture.stack("cp", "cp-me.txt", "web:/tmp/default.txt").code == 0)
      #expect(try fixture.stack("cp", "--index=3", "cp-me.txt", "web:/tmp/indexed.txt").code == 0)
      for index in 1...5 {
        let copied = try fixture.stack("exec", "--index", "\(index)", "web", "cat", "/tmp/default.txt")
        #expect(copied.output == "hello world")
        let indexed = try fixture.stack("exec", "--index", "\(index)", "web", "cat", "/tmp/indexed.txt")
        #expect(indexed.code == (index == 3 ? 0 : 1))
      }
      #expect(try fixture.stack("cp", "web:/tmp/default.txt", "from-default.txt").code == 0)
      #expect(try fixture.stack("cp", "--index=3", "web:/tmp/indexed.txt", "from-indexed.txt").code == 0)
      #expect(try fixture.text("from-default.txt") == "hello world")
      #expect(try fixture.text("from-indexed.txt") == "hello world")
      try FileManager.default.createDirectory(atPath: "\(fixture.directory)/folder", withIntermediateDirectories: true)
      try fixture.write("hello from folder", to: "folder/cp-me.txt")
      #expect(try fixture.stack("cp", "folder", "web:/tmp").code == 0)
      #expect(try fixture.stack("cp", "web:/tmp/folder", "folder2").code == 0)
      #expect(try fixture.text("folder2/cp-me.txt") == "hello from folder")
    }
  }

  /// TestExportWithReplicas.
  @Test func oneReplicaIsExported() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  web: {rootfs: ./root, command: [sleep, '1000'], scale: 3}")
      #expect(try fixture.stack("up", "-d").code == 0)
      #expect(try fixture.stack("exec", "--index", "2", "web", "touch", "/tmp/second").code == 0)
      for (index, isThere) in [(1, false), (2, true)] {
        #expect(try fixture.stack("export", "-o", "\(index).tar", "--index=\(index)", "web").code == 0)
        let names = try fixture.run("/usr/bin/env", ["tar", "tf", "\(index).tar"]).output
        #expect(names.contains("etc/passwd") && names.contains("tmp/second") == isThere)
      }
    }
  }

  /// TestNetworkAliases, TestIPAMConfig and TestMacAddress.
  @Test func aliasesLinksAndFixedAddresses() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("Welcome\n", to: "root/www/index.html")
      try fixture.file(
        """
          one: {rootfs: ./root, command: [sleep, '1000'], links: ['two:container'], mac_address: '00:e0:84:35:d0:e8'}
          two:
            rootfs: ./root
            command: [httpd, -f, -h, /www]
            ready: {tcp: 80}
            networks: {default: {aliases: [alias-of-two], ipv4_address: 10.1.0.100}}
        """, "networks: {default: {ipam: {config: [{subnet: 10.1.0.0/16}]}}}")
      let up = try fixture.stack("up", "--wait")
      #expect(up.code == 0, "\(up.errors)")
      for name in ["alias-of-two", "container", "two", "10.1.0.100"] {
        #expect(try fixture.exec("one", "wget -qO- http://\(name)/") == "Welcome")
      }
      #expect(try fixture.exec("one", "cat /sys/class/net/eth0/address") == "00:e0:84:35:d0:e8")
      #expect(try fixture.stack("inspect", "two").output.contains(#""Address": "10.1.0.100""#))
    }
  }

  /// TestPreStartHookForceRecreate and TestPreStartHookNotReRunOnScaleUp.
  @Test func stepsBeforeAStartAreDoneAgainWhenAllIsMadeAnewAndNotForAnotherReplica() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          sample:
            rootfs: ./root
            command: [sleep, '1000']
            volumes: ['data:/mnt']
            pre_start: [{command: [sh, -c, 'echo token >>/mnt/tokens']}]
        """, "volumes: {data: {}}")
      func tokens() throws -> String { try fixture.exec("sample", "wc -l </mnt/tokens") }
      #expect(try fixture.stack("up", "--wait").code == 0)
      #expect(try tokens() == "1")
      #expect(try fixture.stack("up", "--wait", "--scale", "sample=2").code == 0)
      #expect(try tokens() == "1")
      #expect(try fixture.stack("up", "--wait", "-t", "0", "--force-recreate").code == 0)
      #expect(try tokens() == "2")
    }
  }

  /// TestUpStopWithLogsMixed: what is written while others are stopped is shown, and what hooks write.
  @Test func outputGoesOnWhileAllIsStopped() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          first: {rootfs: ./root, command: [sleep, '0.5']}
          second:
            rootfs: ./root
            command: [sh, -c, 'trap "echo ends; exit" TERM; while true; do echo goes on; sleep 0.1; done']
            pre_stop: [{command: [sh, -c, 'echo stop hook running']}]
        """)
      let up = try fixture.stack("up", "--abort-on-container-exit")
      #expect(up.code == 0)
      #expect(up.errors.contains("Container \(fixture.project)-second-1 Stopped"))
      for line in ["goes on", "stop hook running", "ends"] { #expect(up.output.contains("| \(line)\n"), "\(line)") }
    }
  }
}
