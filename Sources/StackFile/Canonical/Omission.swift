/// Takes away what says nothing: an empty text, most often of an unset variable, is as if the key were not there, and so are
/// 0 and `false` for most keys. Last, because what is given counts against defaults even when it is empty.
enum Omission {
  static func applied(to document: Node) -> Node {
    var result = document
    result.updateMembers { name, value in
      if let key = KeyTable.top[name] { apply(to: &value, as: key.shape) }
    }
    return result
  }

  private static func apply(to node: inout Node, as shape: Shape) {
    switch (shape.alternative(for: node.content), node.content) {
    case (.record(let table), .mapping(let members)):
      node.content = .mapping(
        members.compactMap { member in
          guard let key = table[member.key] else { return member }
          var member = member
          apply(to: &member.value, as: key.shape)
          return !member.value.isWrong && isNothing(member.value, key) ? nil : member
        })
    case (.dictionary(let value, _), .mapping) where value.isCollection:
      node.updateMembers { _, member in apply(to: &member, as: value) }
    case (.list(let element), .sequence) where element.isCollection: node.updateItems { apply(to: &$0, as: element) }
    default: return
    }
  }

  private static func isNothing(_ value: Node, _ key: Key) -> Bool {
    switch value.content {
    case .scalar(_, .null): true
    case .scalar(let text, .text):
      text.isEmpty || (!key.keepsZero && (text == "0" && key.shape.isSize || text == "0s" && key.shape.isDuration))
    case .scalar(let text, _): !key.keepsZero && (text == "0" || text == "false")
    case .sequence(let items): items.isEmpty && !key.keepsZero
    case .mapping(let members): members.isEmpty && !key.shape.isRecord
    }
  }
}

extension Shape {
  /// Whether there can be something in it to take away.
  fileprivate var isCollection: Bool {
    switch self {
    case .list, .record, .dictionary: true
    case .nullable(let shape), .form(_, let shape): shape.isCollection
    case .either(let shapes): shapes.contains { $0.isCollection }
    default: false
    }
  }

  fileprivate var isRecord: Bool {
    if case .record = alternative(for: .mapping([])) { return true }
    return false
  }

  fileprivate var isSize: Bool {
    if case .bytes = self { return true }
    return false
  }

  fileprivate var isDuration: Bool {
    if case .duration = self { return true }
    return false
  }
}
