import Foundation
import LinuxSystem
import LinuxSystemd
import TestSupport
import Testing

/// What is said to systemd, and what comes of its answers: see `systemd.py`.
@Suite struct TransientScopeTests {
  private static let scope = TransientScope(
    unit: "stack-web.scope", slice: "system.slice", description: "Stack web", inner: ".engine")

  /// - Returns: what came of it, and what systemd was told.
  private func enter(_ kind: String) throws -> (entry: Result<TransientScope.Entry, SystemdError>, told: [String]) {
    try withTemporaryDirectory { directory in
      let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "systemd.py").path
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = ["python3", script, "\(directory)/private", kind]
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      let deadline = Date(timeIntervalSinceNow: 10)
      while !Files.exists("\(directory)/private"), Date() < deadline { usleep(1000) }
      let entry = Result { () throws(SystemdError) in
        try Self.scope.enter(4711, socket: "\(directory)/private")
      }
      process.waitUntilExit()
      let told = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      return (entry, told.split(separator: "\n").map(String.init))
    }
  }

  private static let hello = "AUTH EXTERNAL \("\(geteuid())".map { "3\($0)" }.joined())"
  private static let manager = "/org/freedesktop/systemd1 org.freedesktop.systemd1.Manager"
  private static let start =
    "StartTransientUnit \(manager) ['stack-web.scope', 'fail', [('Description', 'Stack web'), ('Slice', 'system.slice'), "
    + "('Delegate', 1), ('TasksMax', 18446744073709551615), ('CollectMode', 'inactive-or-failed'), ('PIDs', [4711])], []]"
  private static let attach = "AttachProcessesToUnit \(manager) ['stack-web.scope', '/.engine', [4711]]"

  @Test func aScopeIsMade() throws {
    let (entry, told) = try enter("new")
    #expect(entry == .success(.made))
    #expect(told == [Self.hello, Self.start])
  }

  @Test func aScopeThatIsThereIsJoined() throws {
    let (entry, told) = try enter("exists")
    #expect(entry == .success(.joined))
    #expect(told == [Self.hello, Self.start, Self.attach])
  }

  @Test func aScopeThatIsAboutToGoIsMadeAgain() throws {
    let (entry, told) = try enter("going")
    #expect(entry == .success(.made))
    #expect(told == [Self.hello, Self.start, Self.attach, Self.start])
  }

  @Test(arguments: [
    ("fails", "systemd: its job ended with \"failed\""), ("refuses", "systemd: not for you"),
    ("rejects", "systemd: it answers \"REJECTED EXTERNAL\""), ("nonsense", "systemd: its answer cannot be read"),
  ])
  func whatGoesWrongIsSaid(kind: String, words: String) throws {
    guard case .failure(let error) = try enter(kind).entry else { return #expect(Bool(false), "\(kind) succeeds") }
    #expect("\(error)" == words)
  }

  @Test func anAnswerThatIsCutOffIsAnError() throws {
    guard case .failure(.system(let error)) = try enter("ends").entry else { return #expect(Bool(false)) }
    #expect(error.errno == .connectionReset)
  }

  @Test func withoutSystemdThereIsNothingToAsk() throws {
    #expect(throws: SystemdError.self) { try Self.scope.enter(1, socket: "/nowhere/private") }
  }
}
