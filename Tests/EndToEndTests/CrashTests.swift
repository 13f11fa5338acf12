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

  #if arch(x86_64)
    /// A selection of what `make chaos` does, which kills at, and fails, every call. It knows this processor's registers only.
    @Test func nothingIsLeftWhateverIsKilledOrFails() throws {
      let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      try StackFixture.with { (fixture: StackFixture) throws in
        let chaos = try fixture.run(
          "/usr/bin/env", ["python3", "\(tests.path)/Chaos/chaos.py", "--stack", StackFixture.binary, "--every", "40"])
        #expect(chaos.code == 0, "\(chaos.output)\(chaos.errors)")
      }
    }
  #endif

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

  @Test func noLineIsLostWhenTheCommandIsKilled() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file("  s: {rootfs: ./root, command: [sh, -c, 'seq 1 50000; sleep 0.3; seq 50001 100000']}")
      let process = try fixture.start(StackFixture.binary, ["up"])
      let out = URL(fileURLWithPath: "\(fixture.directory)/out")
      #expect(try fixture.eventually { try String(contentsOf: out, encoding: .utf8).contains("s-1  | 50000\n") })
      process.signal(SIGKILL)
      try process.wait(seconds: 5)
      #expect(try fixture.eventually { try fixture.stack("ps", "-a").output.contains("Exited (0)") })
      let lines = try fixture.stack("logs", "--no-log-prefix").output.split(separator: "\n")
      #expect(lines == (1...100000).map { "\($0)"[...] })
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
