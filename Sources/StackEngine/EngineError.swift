/// Why an operation on a stack failed: everything that is wrong, for the person who reads it.
package struct EngineError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What a script can tell apart (documented in the README).
  package enum Kind: Int32, Hashable, Sendable {
    case failure = 1
    case usage = 2
    case imageUnavailable = 4
    /// The host refuses: a port is busy, a privilege or a kernel feature is missing.
    case hostRefuses = 5
    case interrupted = 130
  }

  package struct Problem: Hashable, Sendable {
    /// The service, network or volume; nil when the stack as a whole is meant.
    package let subject: String?
    package let message: String

    package init(_ subject: String?, _ message: String) {
      self.subject = subject
      self.message = message
    }
  }

  package let kind: Kind
  package let problems: [Problem]

  package init(_ kind: Kind, _ problems: [Problem]) {
    self.kind = kind
    self.problems = problems
  }

  package init(_ kind: Kind, _ subject: String? = nil, _ message: String) {
    self.init(kind, [Problem(subject, message)])
  }

  package init(_ kind: Kind, _ message: String) {
    self.init(kind, nil, message)
  }

  package var description: String {
    problems.map { problem in problem.subject.map { "\($0): \(problem.message)" } ?? problem.message }
      .joined(separator: "\n")
  }
}
