/// Interpolation of the values of a file, with the places of what goes wrong.
struct Interpolation {
  private let report: Report
  private let environment: [String: String]
  /// The variables that were already said to be unset.
  private var unset: Set<String> = []
  /// Names of the files that variables were read from, for hints.
  private let environmentFiles: [String]

  init(environment: [String: String], environmentFiles: [String], report: Report) {
    self.environment = environment
    self.environmentFiles = environmentFiles
    self.report = report
  }

  /// nil when a reference is wrong, which is then reported.
  mutating func expand(_ text: String, at mark: Mark, end: Mark, path: DocumentPath) -> String? {
    var template = Template { [environment] in environment[$0] }
    let result = template.expand(text)
    var isRight = true
    for found in template.found where !isKnown(found.problem) {
      let place = report.source(mark)?.find(found.reference, from: mark, before: end) ?? mark
      if !add(found, at: place, path: path.text) { isRight = false }
    }
    return isRight ? result : nil
  }

  private func isKnown(_ problem: Template.Problem) -> Bool {
    if case .unset(let name) = problem { return unset.contains(name) }
    return false
  }

  /// False for an error.
  private mutating func add(_ found: Template.Found, at mark: Mark, path: String?) -> Bool {
    switch found.problem {
    case .unset(let name):
      unset.insert(name)
      report.warning(
        mark, path, "the variable \(name) is not set; an empty text is used",
        hint: found.reference.hasPrefix("${")
          ? "set \(name) in the environment or in \(places), or give a default: ${\(name):-default}"
          : "write $$ if a dollar sign is meant, or give a default: ${\(name):-default}")
      return true
    case .required(let name, let message):
      let reason = message.isEmpty ? "" : ": \(message)"
      report.error(
        mark, path, "required variable \(name) is missing a value\(reason)",
        hint: "set \(name) in the environment or in \(places)")
    case .malformed:
      report.error(
        mark, path, "\(found.reference) is not a variable reference",
        hint: "write $$ if a dollar sign is meant; a reference is ${NAME} or ${NAME:-default}")
    case .tooDeep:
      report.error(mark, path, "variable references are nested too deeply")
    }
    return false
  }

  private var places: String {
    environmentFiles.isEmpty ? "a file .env beside the stack file" : environmentFiles.joined(separator: " or ")
  }
}
