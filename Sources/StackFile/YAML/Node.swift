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

  func member(_ key: String) -> Member? {
    guard case .mapping(let members) = content else { return nil }
    // By index: most searches fail, and a member that is only looked at need not be copied.
    for index in members.indices where members[index].key == key { return members[index] }
    return nil
  }

  subscript(_ key: String) -> Node? { member(key)?.value }

  /// Replaces or appends a member; nothing when the node is no mapping.
  mutating func set(_ key: String, _ value: Node) {
    guard case .mapping(var members) = content else { return }
    if let index = members.firstIndex(where: { $0.key == key }) {
      members[index].value = value
    } else {
      members.append(Member(key, at: value.mark, value))
    }
    content = .mapping(members)
  }

  mutating func remove(_ key: String) {
    guard case .mapping(var members) = content else { return }
    members.removeAll { $0.key == key }
    content = .mapping(members)
  }
}
