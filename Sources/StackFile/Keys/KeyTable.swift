/// What `stack` does with a key.
enum Support: Sendable {
  /// It acts on it.
  case full
  /// It accepts it and says once that nothing comes of it yet.
  case inert
  /// It accepts it and says once that nothing will ever come of it here, and why.
  case never(String)
  /// It accepts it in silence: nothing has to be done for it.
  case noEffect(String)
  /// It accepts it and asks to remove it.
  case obsolete
}

/// One key of the format. A class, because each key of a file looks its own up.
final class Key: Sendable {
  let name: String
  let shape: Shape
  let support: Support
  /// The value with which nothing is left to be done, though the key is not acted on.
  let usual: String?
  /// One sentence for the reference, without a full stop.
  let meaning: String
  let isRequired: Bool
  /// How the values of two files, or of a service and the one that it extends, become one.
  let merge: MergeRule
  /// Whether `false`, 0 and an empty text say something that their absence does not.
  let keepsZero: Bool
  /// Whether the value may be a mapping or a list: there is something in it to look at.
  let isCollection: Bool
  let isRecord: Bool
  let isSize: Bool
  let isDuration: Bool
  /// Whether the key may stand there without a value.
  let acceptsNull: Bool

  init(
    _ name: String, _ shape: Shape, _ support: Support, _ meaning: String, usual: String? = nil,
    merge: MergeRule = .byShape, keepsZero: Bool = false
  ) {
    self.name = name
    self.shape = shape
    self.support = support
    self.usual = usual
    self.meaning = meaning
    self.merge = merge
    self.keepsZero = keepsZero
    (isCollection, isRecord, isSize, isDuration) = (shape.isCollection, shape.isRecord, shape.isSize, shape.isDuration)
    acceptsNull = shape.accepts(.scalar("", .null))
    isRequired = false
  }

  init(
    _ name: String, _ shape: Shape, _ meaning: String, required: Bool = false, merge: MergeRule = .byShape,
    keepsZero: Bool = false
  ) {
    self.name = name
    self.shape = shape
    support = .full
    usual = nil
    self.meaning = meaning
    self.merge = merge
    self.keepsZero = keepsZero
    (isCollection, isRecord, isSize, isDuration) = (shape.isCollection, shape.isRecord, shape.isSize, shape.isDuration)
    acceptsNull = shape.accepts(.scalar("", .null))
    isRequired = required
  }
}

/// The keys of one kind of mapping. `x-` keys are allowed in all of them.
final class KeyTable: Sendable {
  /// `service`: used in messages (`in service "web"`) and as the name of the schema's definition.
  let noun: String
  /// Whether mappings of this kind stand under a name of the user's.
  let isNamed: Bool
  /// Whether other keys are no mistake, but say nothing: where docker compose does not look at them.
  let isOpen: Bool
  let keys: [Key]
  let required: [Key]
  private let index: [String: Key]

  init(_ noun: String, isNamed: Bool = false, isOpen: Bool = false, _ keys: [Key]) {
    self.noun = noun
    self.isNamed = isNamed
    self.isOpen = isOpen
    self.keys = keys
    required = keys.filter(\.isRequired)
    index = Dictionary(keys.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  subscript(_ name: String) -> Key? { index[name] }
}
