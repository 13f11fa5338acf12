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
    (
      "configs: [{source: c, mode: -1}]", "mode: \"0-1\"",
      "mode must be permission bits, but this is \"-1\""
    ),
    (
      "configs: [{source: c, mode: 9999}]", "mode: \"023417\"",
      "mode must be permission bits, but this is \"9999\""
    ),
    (
      "volumes: [{type: volume, target: ''}]", "target: \".\"",
      "\".\" must be an absolute path in the container"
    ),
  ]

  @Test(arguments: shown) func isShownAndNotRun(_ odd: (line: String, shown: String?, warning: String))
    throws
  {
    let text = "services:\n  web: {image: i, \(odd.line)}\nconfigs: {c: {file: ./c}}\n"
    let result = load(files: ["/project/a.yaml": text], ["a.yaml"]) { $0.purpose = .show }
    let document = try #require(result.document, "\(lines(result))")
    let line = StackPrinter.yaml(document).split(separator: "\n").first {
      line in ["shm_size:", "cpus:", "mode:", "target:"].contains { line.contains($0) }
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

  @Test(arguments: ["secrets: {s: {file: ''}}", "configs: {s: {environment: ''}}"])
  func anObjectWithoutASourceIsShown(_ section: String) {
    let text = "services: {web: {image: i}}\n\(section)\n"
    let shown = load(text) { $0.purpose = .show }
    #expect(shown.document != nil && shown.diagnostics.count == 1)
    #expect(shown.diagnostics.first?.message.hasSuffix("is empty, and so there is nothing to give to services") == true)
    #expect(load(text).errors.count == 1)
  }

  @Test func anEmptyContentIsAContent() throws {
    let result = load("services: {web: {image: i, configs: [c]}}\nconfigs: {c: {content: ''}}\n")
    #expect(try #require(result.stack?.services.first).configs?.map(\.source) == [.content("")])
  }

  @Test(arguments: ["{}", "{path: []}", "{env_file: x}"]) func anInclusionOfNothingIsTold(_ entry: String) {
    let result = load("include: [\(entry)]\nservices: {web: {image: i}}")
    #expect(result.stack?.services.count == 1)
    #expect(lines(result) == ["1:11: this entry of include has no path: and brings in nothing | name the file"])
  }

  /// There docker compose refuses it too.
  @Test(arguments: ["-1", "1.5", "0.0001"]) func aTmpfsHasAWholeNumberOfBytes(_ size: String) {
    let text = "services:\n  web: {image: i, volumes: [{type: tmpfs, target: /t, tmpfs: {size: \(size)}}]}"
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
