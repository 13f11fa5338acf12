/// Where a phase is in the document: `services.web.ports[0]`.
struct DocumentPath {
  enum Step {
    case key(String)
    case index(Int)
  }

  private(set) var steps: [Step] = []

  mutating func push(_ key: String) { steps.append(.key(key)) }
  mutating func push(_ index: Int) { steps.append(.index(index)) }
  mutating func pop() { steps.removeLast() }

  /// The innermost key of the user's or the format's.
  var lastKey: String? {
    for step in steps.reversed() {
      if case .key(let key) = step { return key }
    }
    return nil
  }

  /// nil at the top of the document.
  var text: String? { steps.isEmpty ? nil : Self.text(steps) }

  static func text(_ steps: [Step]) -> String {
    var text = ""
    for step in steps {
      switch step {
      case .key(let key): text += text.isEmpty ? key : "." + key
      case .index(let index): text += "[\(index)]"
      }
    }
    return text
  }
}
