import StackModel
import Testing

@testable import StackFile

/// Diagnostics for programs.
@Suite struct DiagnosticFormatTests {
  private let diagnostics = [
    Diagnostic(
      file: "a,b:c.yaml", line: 3, column: 5, path: "services.web", "100% wrong\nreally", hint: "fix it",
      source: "x: \"1\"",
      related: [Diagnostic.Related(file: "base.yaml", line: 1, column: 2, message: "it replaces what stands here")]),
    Diagnostic(.warning, file: "-p", line: 0, column: 0, "odd"),
  ]

  @Test func github() {
    #expect(
      DiagnosticFormat.github.render(diagnostics) == """
        ::error file=a%2Cb%3Ac.yaml,line=3,col=5::100%25 wrong%0Areally (fix it)
        ::warning file=-p::odd

        """)
  }

  @Test func json() {
    #expect(
      DiagnosticFormat.json.render(diagnostics) == """
        [
          {
            "severity": "error",
            "file": "a,b:c.yaml",
            "line": 3,
            "column": 5,
            "path": "services.web",
            "message": "100% wrong\\nreally",
            "hint": "fix it",
            "source": "x: \\"1\\"",
            "related": [
              {
                "file": "base.yaml",
                "line": 1,
                "column": 2,
                "message": "it replaces what stands here"
              }
            ]
          },
          {
            "severity": "warning",
            "file": "-p",
            "line": 0,
            "column": 0,
            "message": "odd"
          }
        ]

        """)
    #expect(DiagnosticFormat.json.render([]) == "[]\n" && DiagnosticFormat.github.render([]).isEmpty)
  }

  @Test func sarif() {
    let text = DiagnosticFormat.sarif.render(diagnostics, version: "1.2.3")
    for part in [
      "\"version\": \"2.1.0\"", "\"name\": \"stack\"", "\"version\": \"1.2.3\"", "\"ruleId\": \"stack-file-error\"",
      "\"level\": \"warning\"", "\"uri\": \"base.yaml\"", "\"startLine\": 3",
      "\"text\": \"100% wrong\\nreally\\nfix it\"",
    ] {
      #expect(text.contains(part), "\(part)")
    }
    // A file as a whole has no region.
    #expect(text.split(separator: "startLine").count == 3)
  }
}
