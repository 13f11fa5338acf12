/// The JSON Schema (2020-12) of the stack file, made from the table of keys.
package enum StackFileSchema {
  package static func json() -> String {
    let properties = object([
      ("$schema", string("https://json-schema.org/draft/2020-12/schema")),
      ("title", string("Stack file")),
      ("description", string("Services, networks and volumes of a stack: the Compose Specification, and more.")),
    ])
    var schema = properties
    for member in record(.top).members { schema.set(member.key, member.value) }
    schema.set(
      "$defs",
      object([("service", record(.service)), ("network", record(.network)), ("volume", record(.volume))]))
    return JSONText.text(of: schema)
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

  private static func record(_ table: KeyTable) -> Node {
    var schema = object([
      ("type", string("object")),
      ("properties", object(table.keys.map { ($0.name, property($0)) })),
      ("patternProperties", object([("^x-", object([]))])),
      ("additionalProperties", Node(false, at: nowhere)),
    ])
    if !table.required.isEmpty { schema.set("required", array(table.required.map { string($0.name) })) }
    return schema
  }

  private static func property(_ key: Key) -> Node {
    switch key.support {
    case .full, .noEffect: return described(shape(key.shape), key.meaning + ".")
    case .inert: return described(shape(key.shape), key.meaning + ". Accepted, but not acted on yet.")
    case .obsolete:
      var schema = described(shape(key.shape), key.meaning + ". Obsolete, without effect.")
      schema.set("deprecated", Node(true, at: nowhere))
      return schema
    case .never(let reason):
      return described(shape(key.shape), "\(key.meaning). Accepted, but without effect: \(reason).")
    }
  }

  private static func described(_ schema: Node, _ text: String) -> Node {
    var members = [Node.Member("description", at: nowhere, string(text))]
    members += schema.members
    return Node(.mapping(members), at: nowhere)
  }

  private static func shape(_ shape: Shape) -> Node {
    switch shape {
    case .any: return object([])
    case .text, .name, .duration: return type("string")
    case .textOrBoolean: return type("string", "boolean")
    case .textOrNumber, .number, .bytes: return type("string", "number")
    case .value: return type("string", "number", "boolean", "null")
    case .boolean: return type("boolean", "string")
    case .fileMode: return type("integer", "string")
    case .integer(let range): return integer(range)
    case .choice(let names):
      return anyOf([
        object([("enum", array(names.map(string)))]), object([("type", string("string")), ("pattern", string("\\$"))]),
      ])
    case .list(let element): return object([("type", string("array")), ("items", self.shape(element))])
    case .record(let table): return definition(of: table) ?? record(table)
    case .dictionary(let value, let rule):
      return object([
        ("type", string("object")), ("patternProperties", object([(rule.pattern, self.shape(value))])),
        ("additionalProperties", Node(false, at: nowhere)),
      ])
    case .nullable(let inner): return anyOf([self.shape(inner), type("null")])
    case .either(let shapes): return anyOf(shapes.map(self.shape))
    case .form(_, let inner): return self.shape(inner)
    }
  }

  private static func anyOf(_ shapes: [Node]) -> Node {
    shapes.count == 1 ? shapes[0] : object([("anyOf", array(shapes))])
  }

  private static func integer(_ range: ClosedRange<Int64>) -> Node {
    var schema = type("integer", "string")
    if range.lowerBound != .min { schema.set("minimum", Node(integer: range.lowerBound, at: nowhere)) }
    if range.upperBound != .max { schema.set("maximum", Node(integer: range.upperBound, at: nowhere)) }
    return schema
  }

  /// What stands under names of the user's is worth a definition of its own.
  private static func definition(of table: KeyTable) -> Node? {
    let isTop = KeyTable.top.keys.contains { key in
      switch key.shape {
      case .dictionary(.record(let inner), _), .dictionary(.nullable(.record(let inner)), _):
        inner.noun == table.noun && inner.keys.count == table.keys.count
      default: false
      }
    }
    return isTop ? object([("$ref", string("#/$defs/\(table.noun)"))]) : nil
  }
}
