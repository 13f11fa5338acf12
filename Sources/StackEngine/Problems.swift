/// What goes wrong in an operation that does not stop at the first failure.
struct Problems {
  private(set) var all: [EngineError.Problem] = []

  /// Does a part of the operation; its failure is remembered, with its subject.
  mutating func collect(_ subject: String? = nil, _ body: () throws -> Void) {
    do {
      try body()
    } catch let error as EngineError {
      all += error.problems
    } catch {
      all.append(EngineError.Problem(subject, "\(error)"))
    }
  }
}
