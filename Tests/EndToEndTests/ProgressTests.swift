import Foundation
import TestSupport
import Testing

/// How progress is shown, and where the time went.
@Suite(.privateNamespace, .serialized)
struct ProgressTests {
  private func makeFile(_ fixture: StackFixture) throws {
    try fixture.file(
      """
        db: {rootfs: ./root, command: [sh, -c, 'sleep 0.2; touch /tmp/x; exec sleep 1000'], ready: {file: /tmp/x}}
        job: {rootfs: ./root, command: ['true']}
        web:
          rootfs: ./root
          command: [sleep, '1000']
          depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}
      """)
  }

  /// What a terminal shows after these bytes.
  private func screen(_ text: String) -> [String] {
    var lines = [""]
    var (row, column) = (0, 0)
    var rest = text[...]
    while let character = rest.popFirst() {
      if character == "\u{1B}" {
        let number = rest.dropFirst().prefix { $0.isNumber || $0 == ";" }
        rest = rest.dropFirst(1 + number.count)
        switch rest.popFirst() {
        case "A": row -= Int(number) ?? 1
        case "J": lines[row...] = [""]
        case "K": lines[row] = String(lines[row].prefix(column))
        default: break
        }
      } else if character == "\n" || character == "\r\n" {
        row += 1
        column = 0
        if row == lines.count { lines.append("") }
      } else if character == "\r" {
        column = 0
      } else {
        lines[row] = lines[row].prefix(column) + String(character) + lines[row].dropFirst(column + 1)
        column += 1
      }
    }
    return lines
  }

  @Test func aTerminalShowsOneLineAContainerThatIsKeptUpToDate() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let up = try fixture.stack("--progress", "tty", "up", "--wait")
      #expect(up.code == 0)
      #expect(up.errors.contains("waiting for db to be healthy, job to complete"))
      let shown = screen(up.errors).filter { !$0.isEmpty }
      #expect(shown.count == 4, "\(shown)")
      let name = fixture.project
      #expect(shown.first?.hasSuffix("  created") ?? false)
      #expect(shown.contains { $0.wholeMatch(of: /.*-db-1  +ready in \d+ ms/) != nil })
      #expect(shown.contains { $0.wholeMatch(of: /.*-job-1  +completed in \d+ ms/) != nil })
      #expect(shown.contains { $0.wholeMatch(of: /.*-web-1  +started in \d+ ms/) != nil })
      #expect(shown.allSatisfy { $0.contains(name) })
      let down = screen(try fixture.stack("--progress", "tty", "down").errors).filter { !$0.isEmpty }
      #expect(down.count == 3 && down.filter { $0.hasSuffix("  stopped") }.count == 2, "\(down)")
    }
  }

  @Test func withoutATerminalThereAreLinesAndNoCodes() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let plain = try fixture.stack("up", "-d").errors
      #expect(!plain.contains("\u{1B}"))
      #expect(plain.split(separator: "\n").count == 6, "\(plain)")
      #expect(plain.contains(/\ Container .*-job-1 Completed \(\d+ ms\)/))
      #expect(try fixture.stack("--progress", "quiet", "down").errors == "")
      let records = try fixture.run(
        "/usr/bin/env", ["COMPOSE_PROGRESS=json", StackFixture.binary, "up", "-d"]
      ).errors.split(separator: "\n")
      for record in records {
        let object = try JSONSerialization.jsonObject(with: Data(record.utf8)) as? [String: Any]
        #expect(object?["id"] is String && object?["status"] is String, "\(record)")
      }
      #expect(
        records.contains {
          $0.hasPrefix(#"{"id":"Container \#(fixture.project)-db-1","status":"Healthy","milliseconds":"#)
        })
      #expect(try fixture.stack("--progress", "loud", "ps").code == 2)
    }
  }

  @Test func theCriticalPathIsPrintedAndATraceWritten() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      try makeFile(fixture)
      let up = try fixture.stack("up", "--wait", "--timings", "--timings-file", "trace.json")
      let name = fixture.project
      let lines = up.errors.split(separator: "\n").drop { !$0.hasPrefix("critical path, ") }
      #expect(lines.count == 3, "\(up.errors)")
      #expect(lines.dropFirst().first?.hasPrefix(" \(name)-db-1   begun at ") ?? false)
      #expect(lines.last?.contains("waited for db to be healthy") ?? false)
      let trace = try JSONSerialization.jsonObject(with: Data(try fixture.text("trace.json").utf8)) as? [String: Any]
      let spans = (trace?["traceEvents"] as? [[String: Any]] ?? []).filter { $0["ph"] as? String == "X" }
      #expect(
        spans.compactMap { $0["name"] as? String } == [
          "starting", "until ready", "starting", "running", "waiting", "starting",
        ])
      let ready = spans.first { $0["name"] as? String == "until ready" }?["dur"] as? Int ?? 0
      #expect(ready > 150_000 && ready < 2_000_000)
    }
  }
}
