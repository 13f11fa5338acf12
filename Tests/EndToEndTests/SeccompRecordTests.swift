import Foundation
import TestSupport
import Testing

/// A profile from what a service was seen to do.
@Suite(.privateNamespace, .serialized)
struct SeccompRecordTests {
  @Test(arguments: ["host", "private"])
  func theProfileAllowsWhatWasSeenAndNothingElse(mode: String) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let service = "rootfs: ./root, userns_mode: \(mode)"
      try fixture.file("  s: {\(service), command: [sh, -c, 'cat /etc/passwd | head -n 1; ls / >/dev/null; id -u']}")
      let record = try fixture.stack("seccomp", "record", "s", "-o", "s.json")
      try #require(record.code == 0, "\(record.errors)")
      #expect(record.errors.contains("root:x:0:0"))
      let profile = try fixture.text("s.json")
      for call in ["execve", "getdents64", "exit_group"] { #expect(profile.contains("\"\(call)\""), "\(call)") }
      for call in ["mkdir", "mkdirat", "socket", "ptrace"] { #expect(!profile.contains("\"\(call)\""), "\(call)") }
      #expect(try fixture.stack("ps", "-a", "-q").output == "")

      try fixture.file(
        """
          s: {\(service), seccomp: ./s.json, command: [sh, -c, 'cat /etc/passwd | head -n 1; ls / >/dev/null; id -u']}
          t: {\(service), seccomp: ./s.json, command: [mkdir, /made]}
        """)
      let up = try fixture.stack("up")
      #expect(up.output.contains("root:x:0:0") && up.errors.contains("s-1 exited with code 0"), "\(up)")
      #expect(up.errors.contains("Operation not permitted") && up.errors.contains("t-1 exited with code 1"), "\(up)")
    }
  }

  /// What the service's own filter denies is denied while it is watched, and is not in the profile.
  @Test func whatIsDeniedStaysDenied() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        "  s: {rootfs: ./root, command: [sh, -c, 'mount -t tmpfs x /tmp || echo denied; exec sleep 1000']}")
      let record = try fixture.stack("seccomp", "record", "--for", "1", "s")
      #expect(record.code == 0 && record.errors.contains("denied"), "\(record.errors)")
      #expect(!record.output.contains("\"mount\"") && record.output.contains("nanosleep"), "\(record.output)")
    }
  }

  @Test func inspectShowsWhatIsNow() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  s: {rootfs: ./root, command: [sleep, '1000'], userns_mode: private, mem_limit: 64m}")
      #expect(try fixture.stack("up", "-d").code == 0)
      let text = try fixture.stack("inspect", "s").output
      let list = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]])
      let now = try #require(list.first?["Now"] as? [String: Any])
      let namespaces = try #require(now["Namespaces"] as? [String: [String: Any]])
      for name in ["user", "mnt", "net", "pid", "uts", "ipc", "cgroup"] {
        #expect(namespaces[name]?["Host"] as? Bool == false, "\(name)")
      }
      #expect(now["SeccompMode"] as? String == "filter")
      let usage = try #require(now["Usage"] as? [String: Any])
      #expect(usage["Pids"] as? Int == 1)
      let security = try #require(list.first?["Security"] as? [String: Any])
      #expect(security["SeccompInstructions"] as? Int ?? 0 > 100)
      #expect((security["CapabilitySets"] as? [String: [String]])?["Inheritable"] == [])
    }
  }
}
