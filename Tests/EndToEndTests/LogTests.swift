import Foundation
import Glibc
import TestSupport
import Testing

/// What `logs` gives: all that was written, once, in order; and what is chosen of it.
@Suite(.privateNamespace, .serialized)
struct LogTests {
  private func lines(_ fixture: StackFixture, _ arguments: String...) throws -> [String] {
    let outcome = try fixture.run(StackFixture.binary, ["logs"] + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return outcome.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// Two containers that write a line each, in turn: told by a file that both see.
  private func makeTurns(_ fixture: StackFixture) throws {
    try FileManager.default.createDirectory(
      atPath: "\(fixture.directory)/turns", withIntermediateDirectories: true)
    func turns(_ own: String, _ next: (String) -> String) -> String {
      "for i in 0 1 2 3 4; do while ! test -e /turns/\(own)$$i; do sleep 0.01; done; echo line $$i; "
        + "touch /turns/\(next("$$")); done"
    }
    let first = turns("a") { "b\($0)i" }
    let second = turns("b") { "a\($0)((i + 1))" }
    try fixture.write("", to: "turns/a0")
    try fixture.file(
      """
        a: {rootfs: ./root, command: [sh, -c, '\(first)'], volumes: ['./turns:/turns']}
        b: {rootfs: ./root, command: [sh, -c, '\(second)'], volumes: ['./turns:/turns']}
      """)
    #expect(try fixture.stack("up").code == 0)
  }

  @Test func allServicesAreMergedInTheOrderOfTime() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeTurns(fixture)
      #expect(try lines(fixture) == (0..<5).flatMap { ["a-1  | line \($0)", "b-1  | line \($0)"] })
      let stamped = try lines(fixture, "-t", "--no-log-prefix")
      let times = stamped.map { String($0.prefix { $0 != " " }) }
      #expect(times == times.sorted())
      // Both bounds belong to what is asked for.
      #expect(
        try lines(fixture, "-t", "--no-log-prefix", "--since", times[3], "--until", times[6]) == Array(stamped[3...6]))
      #expect(try lines(fixture, "--since", times[3], "--until", times[6], "--tail", "1", "b") == ["b-1  | line 2"])
      #expect(try lines(fixture, "--tail", "0") == [])
      #expect(try lines(fixture, "--tail", "1") == ["a-1  | line 4", "b-1  | line 4"])
      #expect(try lines(fixture, "--since", "1h", "--until", "30m") == [])
    }
  }

  @Test func groupsAndContainersAreChosen() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a: {rootfs: ./root, command: [sh, -c, 'echo "::error::no"; printf end'], scale: 2}
          b: {rootfs: ./root, command: [echo, hello]}
        """)
      try FileManager.default.createSymbolicLink(
        atPath: "\(fixture.directory)/root/bin/echo", withDestinationPath: "busybox")
      #expect(try fixture.stack("up").code == 0)
      #expect(
        try lines(fixture, "--group")
          == ["a-1:", "::error::no", "end", "", "a-2:", "::error::no", "end", "", "b-1:", "hello"])
      #expect(try lines(fixture, "--index", "2") == ["a-2  | ::error::no", "a-2  | end"])
      #expect(try fixture.stack("logs", "--index", "7").code == 1)
      #expect(try fixture.stack("logs", "--group", "-f").code == 2)
      let marked = try fixture.run(
        "/usr/bin/env", ["GITHUB_ACTIONS=true", StackFixture.binary, "logs", "--group", "b"]
      ).output
      #expect(
        marked.wholeMatch(
          of: /::group::b-1\n::stop-commands::([0-9a-f]{32})\nhello\n::\1::\n::endgroup::\n/) != nil, "\(marked)")
    }
  }

  @Test func aLogIsLimitedByItsOptionsAndCanBeNone() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a:
            rootfs: ./root
            command: [seq, '1', '200000']
            logging: {options: {max-size: 100k, max-file: '3'}}
          b: {rootfs: ./root, command: [sh, -c, 'echo secret; exit 3'], logging: {driver: none}}
        """)
      #expect(try fixture.stack("up").errors.contains("b-1 exited with code 3"))
      let directory = "\(fixture.directory)/data/logs/\(fixture.project)"
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(fixture.project)-a-1")
      let sizes = try names.map { name in
        try FileManager.default.attributesOfItem(atPath: "\(directory)/\(fixture.project)-a-1/\(name)")[.size] as? Int
      }
      #expect(names.count == 3 && sizes.allSatisfy { $0.map { $0 <= 100 << 10 } ?? false }, "\(names) \(sizes)")
      let kept = try lines(fixture, "--no-log-prefix", "a").compactMap { Int($0) }
      #expect(kept.last == 200_000 && kept.count > 25_000)
      #expect(kept == Array((kept.first ?? 0)...200_000))
      #expect(try lines(fixture, "b") == [])
      try fixture.file("  a: {rootfs: ./root, command: [x], logging: {options: {max-size: much, max-file: '0'}}}")
      let wrong = try fixture.stack("config", "-q")
      #expect(wrong.code == 3)
      #expect(
        wrong.errors.contains("\"much\" is not a size") && wrong.errors.contains("\"0\" is not a number of files"))
    }
  }

  @Test func followingGoesOnThroughRestartsAndRotationAndEnds() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try fixture.file(
        """
          a:
            rootfs: ./root
            command: [sh, -c, 'seq 1 3000; printf end; exit 1']
            restart: on-failure:2
            logging: {options: {max-size: 8k, max-file: '1000'}}
        """)
      #expect(try fixture.stack("up", "-d").code == 0)
      let followed = try lines(fixture, "-f", "--no-log-prefix")
      let run = (1...3000).map { "\($0)" } + ["end"]
      #expect(followed == run + run + run)
    }
  }
}
