import StackModel
import Testing

@testable import StackFile

/// Values that mean nothing, or not what they say, and that docker compose reads: `config` shows them with a warning.
@Suite struct OddValueTests {
  /// What stands in a service, what `config` makes of it, and what it says.
  private static let shown: [(line: String, shown: String?, warning: String)] = [
    ("shm_size: -1", "shm_size: \"-1\"", "shm_size must be a size, but -1 is less than 0"),
    ("shm_size: 1.5", nil, "shm_size is a number of bytes, and 1.5 is none: it says nothing"),
    ("cpus: -1", "cpus: -1", "cpus must be 0 or more, but this is -1"),
  ]

  @Test(arguments: shown) func isShownAndNotRun(_ odd: (line: String, shown: String?, warning: String))
    throws
  {
    let text = "services:\n  web: {image: i, \(odd.line)}"
    let result = load(files: ["/project/a.yaml": text], ["a.yaml"]) { $0.purpose = .show }
    let document = try #require(result.document, "\(lines(result))")
    let line = StackPrinter.yaml(document).split(separator: "\n").first {
      $0.contains("shm_size:") || $0.contains("cpus:")
    }
    #expect(line?.drop { $0 == " " } == odd.shown?[...])
    #expect(result.diagnostics.map(\.message) == [odd.warning])
    #expect(errors(text).contains { $0.contains(odd.warning) })
  }

  @Test(arguments: [("cpu_shares: 512.5", "cpu_shares", "512"), ("pids_limit: 10.9", "pids_limit", "10")])
  func aFractionIsDroppedAndToldOf(_ line: String, _ key: String, _ whole: String) throws {
    let result = load("services:\n  web: {image: i, \(line)}")
    #expect(result.diagnostics.map(\.severity) == [.warning])
    #expect(result.diagnostics.first?.message.contains("is taken for \(whole)") == true)
    #expect(StackPrinter.yaml(try #require(result.document)).contains("\(key): \(whole)\n"))
  }

  /// There docker compose refuses it too.
  @Test func aTmpfsIsNotSmallerThanNothing() {
    let text = "services:\n  web: {image: i, volumes: [{type: tmpfs, target: /t, tmpfs: {size: -1}}]}"
    #expect(errors(text).count == 1)
    #expect(load(files: ["/project/a.yaml": text], ["a.yaml"]) { $0.purpose = .show }.document == nil)
  }

  @Test func anEmptyTextInAListIsNoVariable() throws {
    let result = load("services:\n  web: {image: i, environment: ['', A=1], sysctls: ['']}")
    let service = try #require(result.stack?.services.first, "\(lines(result))")
    #expect(service.environment.map(\.name) == ["A"])
    #expect(service.sysctls.isEmpty)
    #expect(result.diagnostics.allSatisfy { $0.severity == .warning })
  }
}
