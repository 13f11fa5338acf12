/// What the value of a key may look like: the one description that checking, the canonical form, merging, the JSON Schema
/// and the reference are made from.
indirect enum Shape: Sendable {
  case any
  /// Text only: a number must be in quotes.
  case text
  /// Text that is not empty.
  case name
  case textOrNumber
  /// Text, or true or false, which is kept as text.
  case textOrBoolean
  /// Text, a number, true or false, or nothing.
  case value
  case boolean
  /// `dropsFraction`: 1.5 is taken for 1, which is said.
  case integer(ClosedRange<Int64>, dropsFraction: Bool = false)
  case number
  /// `512m`, `1gb`, or a number of bytes; -1 where "no limit" can be said.
  /// `isNatural`: numbers below 0, and parts of a byte, are mistakes at once; elsewhere docker compose reads them, and only a
  /// stack that is to run cannot have them.
  case bytes(allowsUnlimited: Bool, isNatural: Bool = false)
  /// `1h5m30s20ms`.
  case duration
  /// Permission bits: octal as `0o1777`, `01777` or `"1777"`; printed as a number or as `"0440"`.
  case fileMode(isText: Bool)
  case choice([String])
  case list(Shape)
  /// A mapping with the format's keys.
  case record(KeyTable)
  /// A mapping with the user's keys.
  case dictionary(Shape, NameRule)
  case nullable(Shape)
  /// Alternatives that differ in kind: scalar, list, mapping.
  case either([Shape])
  /// Written like the shape; the canonical form is another.
  case form(Form, Shape)
}

/// Short forms that have a long one.
enum Form: Sendable {
  /// `[A=1, B]` → `{A: "1", B: null}`.
  case pairs
  /// `[A=1, B]` → `{A: "1", B: ""}`.
  case labels
  /// `"a b"` → `[CMD-SHELL, "a b"]`.
  case probe
  /// `a` → `[a]`.
  case oneOrMany
  /// A list, and nothing else, unless it is over one.
  case many
  /// The same as `oneOrMany` without empty texts, most often of variables that are not set.
  case oneOrManyOrNone
  /// Text is split like in a shell, without being one.
  case command
  case ports
  case volumes
  case devices
  case dependencies
  /// `[a, b]` → `{a: null, b: null}`.
  case names
  case environmentFiles
  case extraHosts
  /// `{name: N}` → `true`, with the name beside it.
  case external
  /// `DIR` → `{context: DIR}`.
  case build
  /// `NAME` → `{source: NAME}`.
  case fileGrants
  /// `NAME` → `{service: NAME}`.
  case extends
  /// `PATH` → `{path: [PATH]}`.
  case inclusions
  /// `all`, or a number; -1 is all.
  case deviceCount
  /// `{id: path}` → `["id: path"]`.
  case keys
  /// Each value a list.
  case manyValues
  case pullPolicy
}

/// Which keys a dictionary may have.
enum NameRule: Sendable {
  case any
  /// Services, networks, volumes: `[a-zA-Z0-9._-]+`.
  case resource
  /// Resource limits of setrlimit(2): each is one value. Which there are is the machine's matter.
  case limit

  var pattern: String {
    switch self {
    case .any, .limit: ".+"
    case .resource: "^[a-zA-Z0-9._-]+$"
    }
  }

  func allows(_ name: String) -> Bool {
    switch self {
    case .any, .limit: !name.isEmpty
    case .resource:
      !name.isEmpty
        && name.utf8.allSatisfy {
          Template.isNamePart($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
        }
    }
  }

  /// setrlimit(2) without `RLIMIT_`.
  enum Limits {
    static let names = [
      "as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio",
      "rttime", "sigpending", "stack",
    ]
  }
}

extension Shape {
  /// With an article, for messages: `must be a list`.
  var expectation: String {
    switch self {
    case .any: "a value"
    case .text, .name: "text"
    case .textOrNumber: "text or a number"
    case .textOrBoolean: "text, true or false"
    case .value: "text, a number, true or false"
    case .boolean: "true or false"
    case .integer: "a whole number"
    case .number: "a number"
    case .bytes: "a size such as 512m"
    case .duration: "a duration such as 1m30s"
    case .fileMode: "permission bits such as 0o1777"
    case .choice(let names): "one of \(names.filter { !$0.isEmpty }.joined(separator: ", "))"
    case .list: "a list"
    case .record, .dictionary: "a mapping"
    case .nullable(let shape): shape.expectation
    case .either(let shapes): shapes.map(\.expectation).joined(separator: " or ")
    case .form(_, let shape): shape.expectation
    }
  }

  /// Whether a value of this kind can be right at all.
  func accepts(_ content: Node.Content) -> Bool {
    switch (self, content) {
    case (.any, _): true
    case (.nullable, .scalar(_, .null)): true
    case (.nullable(let shape), _), (.form(_, let shape), _): shape.accepts(content)
    case (.either(let shapes), _): shapes.contains { $0.accepts(content) }
    case (.list, .sequence), (.record, .mapping), (.dictionary, .mapping), (.value, .scalar): true
    case (.list, _), (.record, _), (.dictionary, _), (_, .sequence), (_, .mapping), (_, .scalar(_, .null)): false
    default: true
    }
  }

  /// The alternative that a canonical value of this kind is of: `list` or `record` or `dictionary`, or else what it is.
  func alternative(for content: Node.Content) -> Shape {
    switch self {
    case .nullable(let shape), .form(_, let shape): shape.alternative(for: content)
    case .either(let shapes): shapes.first { $0.accepts(content) }?.alternative(for: content) ?? .any
    default: self
    }
  }

  static let strings = Shape.list(.text)
  static let stringOrList = Shape.form(.oneOrMany, .either([.text, .list(.text)]))
  static let pairs = Shape.form(.pairs, .either([.list(.text), .dictionary(.value, .any)]))
  static let labels = Shape.form(.labels, .either([.list(.text), .dictionary(.value, .any)]))
  static let options = Shape.form(.labels, .dictionary(.value, .any))
  static let commandLine = Shape.form(.command, .nullable(.either([.text, .list(.text)])))
  static let whole = Shape.integer(.min ... .max)
  static let count = Shape.integer(0 ... .max)
  static let truncated = Shape.integer(.min ... .max, dropsFraction: true)
}

extension Shape {
  /// Whether a value may be a mapping or a list.
  var isCollection: Bool {
    switch self {
    case .list, .record, .dictionary: true
    case .nullable(let shape), .form(_, let shape): shape.isCollection
    case .either(let shapes): shapes.contains { $0.isCollection }
    default: false
    }
  }

  /// Whether a mapping here has the format's keys.
  var isRecord: Bool {
    switch self {
    case .record: true
    case .nullable(let shape), .form(_, let shape): shape.isRecord
    case .either(let shapes): shapes.contains { $0.isRecord }
    default: false
    }
  }

  var isSize: Bool {
    if case .bytes = self { return true }
    return false
  }

  var isDuration: Bool {
    if case .duration = self { return true }
    return false
  }
}
