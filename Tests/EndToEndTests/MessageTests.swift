import Foundation
import TestSupport
import Testing

/// What is said when something is wrong: what, where, why, and what to do; and what a script gets to see.
@Suite(.privateNamespace, .serialized)
struct MessageTests {
  private static let service = "  a: {rootfs: ./root, command: [sleep, '1000']}"

  /// A service that cannot come up, the exit code, and a part of the message.
  private static let refusals: [(service: String, code: Int32, message: String)] = [
    ("{image: nosuch}", 4, "a: no image \"nosuch:latest\"\n  load it (stack image load -i FILE)"),
    ("{build: .}", 3, "hint: build the image with another tool, bring it in with \"stack image load\""),
    ("{rootfs: ./root}", 1, "a: no command: neither the stack file nor the image names one"),
    ("{rootfs: ./none, command: [x]}", 4, "/none: No such file or directory"),
    ("{rootfs: ./root, command: [nosuch]}", 1, "a: cannot start: execute nosuch: not found in PATH"),
    ("{rootfs: ./root, command: [script]}", 1, "execute script: it is there, but what its first line"),
    ("{rootfs: ./root, command: [sleep, x], user: bob}", 1, "no user bob in the container's /etc/passwd"),
    ("{rootfs: ./root, command: [sleep, x], seccomp: ./none.json}", 1, "none.json: No such file or directory"),
    ("{rootfs: ./root, command: [sleep, x], devices: [/dev/nosuch]}", 1, "open /dev/nosuch: No such file or directory"),
    ("{rootfs: ./root, command: [sleep, x], volumes: ['v:/x']}", 1, "the external volume v does not exist"),
    (
      "{rootfs: ./root, command: [sleep, x], volumes: [{type: bind, source: ./none, target: /x}]}", 1,
      "nothing to mount"
    ),
  ]

  @Test func aServiceThatCannotComeUpSaysWhyAndLeavesNothing() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.write("#!/bin/nosuch\n", to: "root/bin/script")
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: "\(fixture.directory)/root/bin/script")
      for refusal in Self.refusals {
        let volumes = refusal.service.contains("v:/x") ? "volumes: {v: {external: true, name: v}}" : ""
        try fixture.file("  a: \(refusal.service)", volumes)
        let up = try fixture.stack("up", "-d")
        #expect(up.code == refusal.code, "\(refusal.service): \(up.errors)")
        #expect(up.errors.contains(refusal.message), "\(refusal.service): \(up.errors)")
      }
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func wrongUsageIsExitCode2() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(Self.service)
      let unknown = try fixture.stack("upp")
      #expect(unknown.code == 2)
      #expect(unknown.errors == "stack: there is no command upp; did you mean up?\n  stack --help lists them\n")
      let other = try fixture.stack("pull", "-q")
      #expect(other.code == 2)
      #expect(other.errors.contains("there is no command pull: images are not taken from registries here"))
      #expect(try fixture.stack("up", "--bogus").errors.contains("Unknown option '--bogus'"))
      #expect(try fixture.stack("up", "--bogus").code == 2)
      #expect(try fixture.stack("up", "-d", "nosuch").code == 1)
      #expect(try fixture.stack("-p", "Bad Name", "down").errors.contains("\"Bad Name\" is not a project name"))
      #expect(try fixture.stack("logs", "--since", "yesterday").code == 2)
      let idle = try fixture.stack("exec", "a", "true")
      #expect(idle.code == 1)
      #expect(idle.errors.contains(#"service "a" is not running"#))
    }
  }

  @Test func withoutRootItSaysSo() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(Self.service)
      #expect(try fixture.stack("up", "-d").code == 0)
      for command in ["up", "ps", "logs", "down"] {
        let outcome = try fixture.run(
          "/usr/bin/setpriv", ["--reuid", "1000", "--clear-groups", StackFixture.binary, command])
        #expect(outcome.code != 0, "\(command)")
        #expect(outcome.errors.contains("run this command with sudo"), "\(command): \(outcome.errors)")
      }
    }
  }

  @Test func aResultThatCannotBeWrittenIsAFailure() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(Self.service)
      for command in ["config", "ps", "schema", "version", "completion bash"] {
        let outcome = try fixture.run("/bin/sh", ["-c", "\(StackFixture.binary) \(command) >/dev/full"])
        #expect(outcome.code == 1, "\(command)")
        #expect(outcome.errors.contains("No space left on device"), "\(command): \(outcome.errors)")
      }
    }
  }

  @Test func warningsAreForThoseWhoStart() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  a: {rootfs: ./root, command: [sleep, '1000'], security_opt: ['label=disable']}")
      #expect(try fixture.stack("up", "-d").errors.contains("stack.yaml:3:"))
      for command in [["ps"], ["logs"], ["exec", "a", "true"]] {
        #expect(try fixture.run(StackFixture.binary, command).errors == "", "\(command)")
      }
    }
  }
}
