import StackModel

/// Diagnostics for programs.
package enum DiagnosticFormat: String, Sendable, CaseIterable {
  case text, json, github, sarif

  /// Ends with a line feed when there is anything to say. JSON and SARIF say something even when nothing is wrong.
  package func render(_ diagnostics: [Diagnostic], color: Bool = false, version: String = "") -> String {
    switch self {
    case .text: DiagnosticText.render(diagnostics, color: color)
    case .json: DiagnosticJSON.array(diagnostics)
    case .github: diagnostics.map(GitHubAnnotation.line).joined()
    case .sarif: SARIFLog.text(diagnostics, version: version)
    }
  }
}

/// An array of objects, one a diagnostic.
enum DiagnosticJSON {
  static let nowhere = Mark(source: 0, line: 0, column: 0)

  static func text(_ value: String) -> Node { Node(text: value, at: nowhere) }
  static func integer(_ value: Int) -> Node { Node(integer: value, at: nowhere) }
  static func list(_ items: [Node]) -> Node { Node(.sequence(items), at: nowhere) }

  /// Members without a value are left out.
  static func object(_ members: [(String, Node?)]) -> Node {
    Node(.mapping(members.compactMap { key, value in value.map { Node.Member(key, at: nowhere, $0) } }), at: nowhere)
  }

  static func array(_ diagnostics: [Diagnostic]) -> String { JSONText.text(of: list(diagnostics.map(object))) }

  private static func object(_ diagnostic: Diagnostic) -> Node {
    object([
      ("severity", text(diagnostic.severity.rawValue)), ("file", text(diagnostic.file)),
      ("line", integer(diagnostic.line)), ("column", integer(diagnostic.column)),
      ("path", diagnostic.path.map(text)), ("message", text(diagnostic.message)), ("hint", diagnostic.hint.map(text)),
      ("source", diagnostic.source.map(text)),
      ("related", diagnostic.related.isEmpty ? nil : list(diagnostic.related.map(object))),
    ])
  }

  private static func object(_ related: Diagnostic.Related) -> Node {
    object([
      ("file", text(related.file)), ("line", integer(related.line)), ("column", integer(related.column)),
      ("message", text(related.message)),
    ])
  }
}

/// A workflow command of GitHub Actions, which shows the message at its line.
enum GitHubAnnotation {
  static func line(_ diagnostic: Diagnostic) -> String {
    var properties = ["file=\(property(diagnostic.file))"]
    if diagnostic.line > 0 {
      properties += ["line=\(diagnostic.line)", "col=\(max(1, diagnostic.column))"]
    }
    let message = diagnostic.message + (diagnostic.hint.map { " (\($0))" } ?? "")
    return "::\(diagnostic.severity.rawValue) \(properties.joined(separator: ","))::\(data(message))\n"
  }

  private static func data(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "%": "%25"
      case "\r": "%0D"
      case "\n": "%0A"
      default: String(scalar)
      }
    }.joined()
  }

  private static func property(_ text: String) -> String {
    data(text).unicodeScalars.map { scalar in
      switch scalar {
      case ":": "%3A"
      case ",": "%2C"
      default: String(scalar)
      }
    }.joined()
  }
}

/// The Static Analysis Results Interchange Format 2.1.0 (OASIS), as far as code scanners read it.
enum SARIFLog {
  static func text(_ diagnostics: [Diagnostic], version: String) -> String {
    let driver = DiagnosticJSON.object([
      ("name", DiagnosticJSON.text("stack")),
      ("version", version.isEmpty ? nil : DiagnosticJSON.text(version)),
      ("rules", DiagnosticJSON.list([rule(.error), rule(.warning)])),
    ])
    let run = DiagnosticJSON.object([
      ("tool", DiagnosticJSON.object([("driver", driver)])),
      ("columnKind", DiagnosticJSON.text("unicodeCodePoints")),
      ("results", DiagnosticJSON.list(diagnostics.map(result))),
    ])
    let log = DiagnosticJSON.object([
      ("$schema", DiagnosticJSON.text("https://json.schemastore.org/sarif-2.1.0.json")),
      ("version", DiagnosticJSON.text("2.1.0")), ("runs", DiagnosticJSON.list([run])),
    ])
    return JSONText.text(of: log)
  }

  private static func identifier(_ severity: Diagnostic.Severity) -> String { "stack-file-\(severity.rawValue)" }

  private static func rule(_ severity: Diagnostic.Severity) -> Node {
    let description = severity == .error ? "The stack file is not valid." : "The stack file may not mean what it says."
    return DiagnosticJSON.object([
      ("id", DiagnosticJSON.text(identifier(severity))),
      ("shortDescription", DiagnosticJSON.object([("text", DiagnosticJSON.text(description))])),
    ])
  }

  private static func result(_ diagnostic: Diagnostic) -> Node {
    let message = diagnostic.message + (diagnostic.hint.map { "\n" + $0 } ?? "")
    let related = diagnostic.related.map {
      location($0.file, $0.line, $0.column, message: $0.message)
    }
    return DiagnosticJSON.object([
      ("ruleId", DiagnosticJSON.text(identifier(diagnostic.severity))),
      ("level", DiagnosticJSON.text(diagnostic.severity.rawValue)),
      ("message", DiagnosticJSON.object([("text", DiagnosticJSON.text(message))])),
      ("locations", DiagnosticJSON.list([location(diagnostic.file, diagnostic.line, diagnostic.column, message: nil)])),
      ("relatedLocations", related.isEmpty ? nil : DiagnosticJSON.list(related)),
    ])
  }

  private static func location(_ file: String, _ line: Int, _ column: Int, message: String?) -> Node {
    let region = DiagnosticJSON.object([
      ("startLine", DiagnosticJSON.integer(line)), ("startColumn", DiagnosticJSON.integer(max(1, column))),
    ])
    let physical = DiagnosticJSON.object([
      ("artifactLocation", DiagnosticJSON.object([("uri", DiagnosticJSON.text(file))])),
      ("region", line > 0 ? region : nil),
    ])
    return DiagnosticJSON.object([
      ("physicalLocation", physical),
      ("message", message.map { DiagnosticJSON.object([("text", DiagnosticJSON.text($0))]) }),
    ])
  }
}
