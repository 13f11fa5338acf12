import Foundation
import Glibc
import TestSupport
import Testing

/// Whatever is killed, and whenever: the next `down` leaves nothing.
@Suite(.privateNamespace, .serialized)
struct CrashTests {
  private func makeFile(_ fixture: StackFixture) throws {
    try fixture.file(
      """
        a: {rootfs: ./root, command: [sleep, '1000'], ports: ['18192:80'], volumes: ['data:/data']}
        b: {rootfs: ./root, command: [sleep, '1000'], depends_on: [a]}
      """, "volumes: {data: {}}")
  }

  /// SIGKILL at the Nth state-changing system call of any of the command's processes, by strace's fault injection.
  private static let calls =
    "mount,umount2,clone,clone3,unshare,pivot_root,move_mount,fsmount,open_tree,mkdirat,unlinkat,renameat,mknodat,write,"
    + "sendto,sendmsg,openat,openat2,bind,fchmodat,fchownat,execve"

  private func killed(at call: Int, of fixture: StackFixture, _ arguments: [String]) throws {
    let strace = [
      "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(Self.calls)", "-e",
      "inject=\(Self.calls):signal=SIGKILL:when=\(call)", StackFixture.binary,
    ]
    // strace follows the services too, which do not end: the clean-up ends them, and with them strace.
    let process = try fixture.start("/usr/bin/strace", strace + arguments)
    usleep(700_000)
    _ = try fixture.run(StackFixture.binary, ["-p", fixture.project, "down", "-v"])
    try process.wait(seconds: 0)
  }

  @Test(arguments: Array(stride(from: 3, through: 150, by: 12)))
  func upKilledAtAnyCall(call: Int) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      try killed(at: call, of: fixture, ["up", "-d"])
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test(arguments: Array(stride(from: 5, through: 90, by: 14)))
  func downKilledAtAnyCall(call: Int) throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "-d").code == 0)
      try killed(at: call, of: fixture, ["down"])
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func aShimThatIsKilledTakesItsContainerWithIt() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      #expect(try fixture.stack("up", "-d").code == 0)
      let json = try fixture.stack("inspect", "a").output
      let shim = try #require(json.firstMatch(of: /"ShimPid": (\d+)/).flatMap { Int32($0.1) })
      let pid = try #require(json.firstMatch(of: /"Pid": (\d+)/).flatMap { Int32($0.1) })
      kill(shim, SIGKILL)
      #expect(fixture.eventually { kill(pid, 0) != 0 })
      #expect(try fixture.stack("ps", "-a").output.contains("its shim was killed"))
      #expect(try fixture.stack("down").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }

  @Test func upAfterACrashMakesTheStackWhole() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let process = try fixture.start(StackFixture.binary, ["up", "-d"])
      usleep(15_000)
      process.signal(SIGKILL)
      try process.wait(seconds: 5)
      let up = try fixture.stack("up", "-d")
      #expect(up.code == 0, "\(up.errors)")
      #expect(try fixture.stack("ps").output.split(separator: "\n").count == 3)
      #expect(try fixture.stack("down", "-v").code == 0)
      #expect(try fixture.leftovers() == [])
    }
  }
}
