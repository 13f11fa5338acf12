/// The JSON Schema (2020-12) of the stack file, made from the table of keys.
package struct StackFileSchema {
  /// Each kind of mapping has one definition, under the path of the keys that lead to it first.
  private var names: [ObjectIdentifier: String] = [:]
  private var definitions: [(String, Node)] = []

  package static func json() -> String {
    var schema = StackFileSchema()
    let top = schema.body(of: .top, path: "")
    return JSONText.text(
      of: object(
        [
          ("$schema", string("https://json-schema.org/draft/2020-12/schema")), ("title", string("Stack file")),
          ("description", string("Services, networks and volumes of a stack: the Compose Specification, and more.")),
        ] + top.members.map { ($0.key, $0.value) } + [("$defs", object(schema.definitions.sorted { $0.0 < $1.0 }))]))
  }

  private static let nowhere = Mark(source: 0, line: 0, column: 0)

  private static func string(_ text: String) -> Node { Node(text: text, at: nowhere) }

  private static func array(_ items: [Node]) -> Node { Node(.sequence(items), at: nowhere) }

  private static func object(_ members: [(String, Node)]) -> Node {
    Node(.mapping(members.map { Node.Member($0.0, at: nowhere, $0.1) }), at: nowhere)
  }

  private static func type(_ names: String...) -> Node {
    object([("type", names.count == 1 ? string(names[0]) : array(names.map(string)))])
  }

  // MARK: Mappings

  private mutating func definition(of table: KeyTable, path: String) -> Node {
    let identity = ObjectIdentifier(table)
    if names[identity] == nil {
      names[identity] = path
      let body = body(of: table, path: path)
      definitions.append((path, body))
    }
    return Self.object([("$ref", Self.string("#/$defs/\(names[identity] ?? path)"))])
  }

  private mutating func body(of table: KeyTable, path: String) -> Node {
    var properties: [(String, Node)] = []
    for key in table.keys { properties.append((key.name, property(key, path: path))) }
    var schema = Self.object([
      ("type", Self.string("object")), ("properties", Self.object(properties)),
      ("patternProperties", Self.object([("^x-", Self.object([]))])),
      ("additionalProperties", Node(table.isOpen, at: Self.nowhere)),
    ])
    if !table.required.isEmpty { schema.set("required", Self.array(table.required.map { Self.string($0.name) })) }
    return schema
  }

  private mutating func property(_ key: Key, path: String) -> Node {
    // Each key can be `!reset null` (Compose Specification, section Reset value), which editors take for null.
    var schema = Self.orNull(shape(key.shape, path: path.isEmpty ? key.name : "\(path).\(key.name)"))
    let text =
      switch key.support {
      case .full, .noEffect: key.meaning + "."
      case .inert: key.meaning + ". Accepted, but not acted on yet."
      case .never(let reason): "\(key.meaning). Accepted, but without effect: \(reason)."
      case .obsolete: key.meaning + ". Obsolete, without effect."
      }
    if case .obsolete = key.support { schema.set("deprecated", Node(true, at: Self.nowhere)) }
    return Self.object([("description", Self.string(text))] + schema.members.map { ($0.key, $0.value) })
  }

  // MARK: Values

  private mutating func shape(_ shape: Shape, path: String) -> Node {
    switch shape {
    case .any: return Self.object([])
    case .text, .name, .duration: return Self.type("string")
    case .textOrBoolean: return Self.type("string", "boolean")
    case .textOrNumber, .number, .bytes: return Self.type("string", "number")
    case .value: return Self.type("string", "number", "boolean", "null")
    case .boolean: return Self.type("boolean", "string")
    case .fileMode: return Self.type("integer", "string")
    case .integer(let range, let dropsFraction): return Self.integer(range, isNumber: dropsFraction)
    case .choice(let names):
      return Self.anyOf([
        Self.object([("enum", Self.array(names.map(Self.string)))]),
        Self.object([("type", Self.string("string")), ("pattern", Self.string("\\$"))]),
      ])
    case .list(let element):
      return Self.object([("type", Self.string("array")), ("items", self.shape(element, path: path))])
    case .record(let table): return definition(of: table, path: path)
    case .dictionary(let value, let rule):
      return Self.object([
        ("type", Self.string("object")),
        ("patternProperties", Self.object([(rule.pattern, self.shape(value, path: path))])),
        ("additionalProperties", Node(false, at: Self.nowhere)),
      ])
    case .nullable(let inner): return Self.anyOf([self.shape(inner, path: path), Self.type("null")])
    case .either(let shapes):
      var alternatives: [Node] = []
      for shape in shapes { alternatives.append(self.shape(shape, path: path)) }
      return Self.anyOf(alternatives)
    case .form(_, let inner): return self.shape(inner, path: path)
    }
  }

  /// The shape, or null. A schema with nothing in it accepts null already.
  private static func orNull(_ schema: Node) -> Node {
    guard !schema.members.isEmpty else { return schema }
    guard schema.members.count == 1, let type = schema["type"] else { return anyOf([schema, Self.type("null")]) }
    let names = type.text.map { [string($0)] } ?? type.items
    if names.contains(where: { $0.text == "null" }) { return schema }
    return object([("type", array(names + [string("null")]))])
  }

  /// Alternatives of an alternative are alternatives too, and each stands there once.
  private static func anyOf(_ shapes: [Node]) -> Node {
    var flat: [Node] = []
    for shape in shapes.flatMap({ $0.member("anyOf")?.value.items ?? [$0] }) {
      if !flat.contains(where: { $0.says(theSameAs: shape) }) { flat.append(shape) }
    }
    return flat.count == 1 ? flat[0] : object([("anyOf", array(flat))])
  }

  private static func integer(_ range: ClosedRange<Int64>, isNumber: Bool) -> Node {
    var schema = type(isNumber ? "number" : "integer", "string")
    if range.lowerBound != .min { schema.set("minimum", Node(integer: range.lowerBound, at: nowhere)) }
    if range.upperBound != .max { schema.set("maximum", Node(integer: range.upperBound, at: nowhere)) }
    return schema
  }
}
