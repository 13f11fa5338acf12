/// Takes away what says nothing: an empty text, most often of an unset variable, is as if the key were not there, and so are
/// 0 and `false` for most keys. Last, because what is given counts against defaults even when it is empty.
enum Omission {
  static func apply(to document: inout Node) {
    document.updateMembers { name, value in
      if let key = KeyTable.top[name] { apply(to: &value, as: key.shape) }
    }
  }

  private static func apply(to node: inout Node, as shape: Shape) {
    switch shape.alternative(for: node.content) {
    case .record(let table): apply(toRecord: &node, table)
    case .dictionary(let value, _):
      if value.isCollection { node.updateMembers { _, member in apply(to: &member, as: value) } }
    case .list(let element):
      if element.isCollection { node.updateItems { apply(to: &$0, as: element) } }
    default: return
    }
  }

  private static func apply(toRecord node: inout Node, _ table: KeyTable) {
    guard case .mapping(var members) = node.content else { return }
    node.content = .mapping([])
    var hasNothing = false
    for index in members.indices {
      guard let key = table[members[index].key] else { continue }
      if key.isCollection { apply(to: &members[index].value, as: key.shape) }
      if isNothing(members[index].value, key) { hasNothing = true }
    }
    if hasNothing {
      members.removeAll { member in table[member.key].map { isNothing(member.value, $0) } ?? false }
    }
    node.content = .mapping(members)
  }

  private static func isNothing(_ value: Node, _ key: Key) -> Bool {
    switch value.content {
    case .scalar(_, .null): true
    case .scalar(_, .wrong): false
    case .scalar(let text, .text):
      text.isEmpty || (!key.keepsZero && (text == "0" && key.isSize || text == "0s" && key.isDuration))
    case .scalar(let text, _): !key.keepsZero && (text == "0" || text == "false")
    case .sequence(let items): items.isEmpty && !key.keepsZero
    case .mapping(let members): members.isEmpty && !key.isRecord
    }
  }
}
