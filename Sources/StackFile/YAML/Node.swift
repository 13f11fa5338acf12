/// What a plain scalar is in the core schema of YAML 1.2 (section 10.3); everything in quotes is text.
package enum ScalarType: Sendable, Hashable {
  case null
  case boolean
  case integer
  case real
  case text
  /// Nothing, because what stood here is wrong and already reported.
  case wrong
}

/// What a value says about the one that it is laid over (Compose Specification, sections Reset value and Replace value).
package enum MergeTag: Sendable {
  case none
  /// `!reset`: the value goes.
  case reset
  /// `!override`: the value takes its place, whatever merging would do.
  case override
  /// Of a kind that is only right over a value of another file, which it adds to: see `Form.supplement`.
  case supplement
}

/// A value of a document, with its place.
package struct Node: Sendable {
  package enum Content: Sendable {
    /// The text as it is written, or after interpolation.
    case scalar(String, ScalarType)
    case sequence([Node])
    case mapping([Member])
  }

  package var content: Content
  package var mark: Mark
  package var tag = MergeTag.none

  package init(_ content: Content, at mark: Mark) {
    self.content = content
    self.mark = mark
  }

  init(text: String, at mark: Mark) { self.init(.scalar(text, .text), at: mark) }
  init(integer: some BinaryInteger, at mark: Mark) { self.init(.scalar("\(integer)", .integer), at: mark) }
  init(_ flag: Bool, at mark: Mark) { self.init(.scalar(flag ? "true" : "false", .boolean), at: mark) }

  static func null(at mark: Mark) -> Node { Node(.scalar("", .null), at: mark) }

  /// Stands for a value that is wrong and already reported: it is there, and no further mistake follows from it.
  static func wrong(at mark: Mark) -> Node { Node(.scalar("", .wrong), at: mark) }

  /// A key with its value; keys are unique in a mapping and keep the order of the file.
  package struct Member: Sendable {
    package var key: String
    package var mark: Mark
    package var value: Node

    package init(_ key: String, at mark: Mark, _ value: Node) {
      self.key = key
      self.mark = mark
      self.value = value
    }
  }
}

extension Node {
  /// Whether there is no value here, or a wrong one.
  var isNull: Bool {
    switch content {
    case .scalar(_, .null), .scalar(_, .wrong): true
    case .scalar, .sequence, .mapping: false
    }
  }

  var isWrong: Bool {
    if case .scalar(_, .wrong) = content { return true }
    return false
  }

  /// The text of a scalar that is not null.
  var text: String? {
    if case .scalar(let text, let type) = content, type != .null, type != .wrong { return text }
    return nil
  }

  /// Empty when the node is no sequence.
  var items: [Node] {
    if case .sequence(let items) = content { return items }
    return []
  }

  /// Empty when the node is no mapping.
  var members: [Member] {
    if case .mapping(let members) = content { return members }
    return []
  }

  /// Whether the value was taken away by `!reset`.
  var isReset: Bool { tag == .reset }

  func member(_ key: String) -> Member? {
    guard case .mapping(let members) = content else { return nil }
    // By index: most searches fail, and a member that is only looked at need not be copied.
    for index in members.indices where members[index].key.isSame(as: key) { return members[index] }
    return nil
  }

  subscript(_ key: String) -> Node? { member(key)?.value }

  /// Replaces or appends a member; nothing when the node is no mapping.
  mutating func set(_ key: String, _ value: Node) {
    guard case .mapping(var members) = content else { return }
    // Without a second owner the members are changed, not copied.
    content = .mapping([])
    if let index = members.firstIndex(where: { $0.key.isSame(as: key) }) {
      members[index].value = value
    } else {
      members.append(Member(key, at: value.mark, value))
    }
    content = .mapping(members)
  }

  mutating func remove(_ key: String) {
    guard member(key) != nil, case .mapping(var members) = content else { return }
    content = .mapping([])
    members.removeAll { $0.key == key }
    content = .mapping(members)
  }

  /// Changes a member's value in its place; nothing when there is no such member.
  mutating func update(_ key: String, _ change: (inout Node) -> Void) {
    guard case .mapping(var members) = content else { return }
    content = .mapping([])
    if let index = members.firstIndex(where: { $0.key.isSame(as: key) }) { change(&members[index].value) }
    content = .mapping(members)
  }

  /// Takes a member's value out; nil when there is no such member.
  mutating func take(_ key: String) -> Node? {
    guard case .mapping(var members) = content, let index = members.firstIndex(where: { $0.key.isSame(as: key) }) else {
      return nil
    }
    content = .mapping([])
    let value = members.remove(at: index).value
    content = .mapping(members)
    return value
  }

  mutating func updateMembers(_ change: (String, inout Node) -> Void) {
    guard case .mapping(var members) = content else { return }
    content = .mapping([])
    for index in members.indices { change(members[index].key, &members[index].value) }
    content = .mapping(members)
  }

  mutating func updateItems(_ change: (inout Node) -> Void) {
    guard case .sequence(var items) = content else { return }
    content = .sequence([])
    for index in items.indices { change(&items[index]) }
    content = .sequence(items)
  }

  /// The member of a secret or config that has what its variable had; never printed.
  static let hiddenValue = "#value"

  /// Whether two values say the same, wherever they stand. The order of members says nothing.
  func says(theSameAs other: Node) -> Bool {
    switch (content, other.content) {
    case (.scalar(_, .null), .scalar(_, .null)): return true
    case (.scalar(let left, let type), .scalar(let right, let otherType)): return left == right && type == otherType
    case (.sequence(let left), .sequence(let right)):
      return left.count == right.count && zip(left, right).allSatisfy { $0.says(theSameAs: $1) }
    case (.mapping(let left), .mapping(let right)):
      return left.count == right.count
        && left.allSatisfy { member in other[member.key].map { member.value.says(theSameAs: $0) } ?? false }
    default: return false
    }
  }

  /// Without what `!reset` takes away, and without `!override`: what a service that is extended hands on.
  var untagged: Node {
    var result = self
    if tag != .supplement { result.tag = .none }
    switch content {
    case .scalar: return result
    case .sequence(let items): result.content = .sequence(items.filter { !$0.isReset }.map(\.untagged))
    case .mapping(let members):
      result.content = .mapping(
        members.filter { !$0.value.isReset }.map { Member($0.key, at: $0.mark, $0.value.untagged) })
    }
    return result
  }
}
