/// Checks a document against the table of keys and brings it into the canonical form, in one walk.
///
/// What is wrong is reported; the value of a wrong member becomes `wrong` and a wrong item is left out, so that later phases
/// meet values of the right shape, all in their long form, and still know which names there are. Places are kept.
struct Canonicalizer {
  let report: Report
  var path = DocumentPath()
  /// Ports that ranges stand for; bounded because a line of text can mean 65,535.
  var portCount = 0

  init(report: Report) {
    self.report = report
  }

  /// nil when the node is wrong, which is then reported.
  mutating func canonical(_ node: Node, as shape: Shape) -> Node? {
    if node.isWrong { return nil }
    guard shape.accepts(node.content) else {
      mismatch(node, shape)
      return nil
    }
    switch shape {
    case .any: return node
    case .nullable(let inner): return node.isNull ? node : canonical(node, as: inner)
    case .either(let shapes):
      return shapes.first { $0.accepts(node.content) }.flatMap { canonical(node, as: $0) }
    case .list(let element): return list(node, of: element)
    case .record(let table): return record(node, table)
    case .dictionary(let value, let rule): return dictionary(node, of: value, rule)
    case .form(let form, let inner):
      return canonical(node, as: inner).flatMap { rewrite($0, form) }
    default: return scalar(node, shape)
    }
  }

  private mutating func list(_ node: Node, of element: Shape) -> Node {
    var items: [Node] = []
    items.reserveCapacity(node.items.count)
    for (index, item) in node.items.enumerated() {
      path.push(index)
      if let item = canonical(item, as: element) { items.append(item) }
      path.pop()
    }
    return Node(.sequence(items), at: node.mark)
  }

  private mutating func dictionary(_ node: Node, of value: Shape, _ rule: NameRule) -> Node {
    var members: [Node.Member] = []
    members.reserveCapacity(node.members.count)
    for member in node.members {
      path.push(member.key)
      defer { path.pop() }
      guard rule.allows(member.key) else {
        refuse(name: member, rule)
        continue
      }
      let value = canonical(member.value, as: value, key: member) ?? .wrong(at: member.mark)
      members.append(Node.Member(member.key, at: member.mark, value))
    }
    return Node(.mapping(members), at: node.mark)
  }

  private func refuse(name member: Node.Member, _ rule: NameRule) {
    let hint: String?
    switch rule {
    case .any: hint = nil
    case .resource: hint = "use letters, digits, '.', '_' and '-'"
    case .limit: hint = report.suggestion(for: member.key, among: NameRule.Limits.names)
    }
    let what = rule.isLimit ? "is not a resource limit" : "is not allowed as a name"
    report.error(member.mark, path.text, "\"\(member.key)\" \(what)", hint: hint)
  }

  private mutating func record(_ node: Node, _ table: KeyTable) -> Node {
    var members: [Node.Member] = []
    members.reserveCapacity(node.members.count)
    for member in node.members {
      if member.key.utf8.starts(with: "x-".utf8) {
        // Extensions are for anchors and for other programs; only those of the top level are printed.
        if path.steps.isEmpty { members.append(member) }
        continue
      }
      path.push(member.key)
      defer { path.pop() }
      guard let key = table[member.key] else {
        unknown(member, table)
        continue
      }
      if let refused = announce(key, member, table) {
        if refused { members.append(member) }
        continue
      }
      let value = canonical(member.value, as: key.shape, key: member) ?? .wrong(at: member.mark)
      // An empty text, most often of an unset variable, is as if the key were not there.
      if case .text = key.shape, value.text?.isEmpty ?? false { continue }
      members.append(Node.Member(member.key, at: member.mark, value))
    }
    for key in table.required where node.member(key.name) == nil {
      report.error(node.mark, path.text, "\(subject(table)) needs \(key.name):", hint: key.meaning.lowercasedFirst)
    }
    return Node(.mapping(members), at: node.mark)
  }

  /// A value that stands below its key: one of the wrong kind is shown at the key when it begins in a later line.
  private mutating func canonical(_ node: Node, as shape: Shape, key: Node.Member) -> Node? {
    if !shape.accepts(node.content), !node.isWrong {
      mismatch(node, shape, at: node.isNull || node.mark.line != key.mark.line ? key.mark : node.mark)
      return nil
    }
    return canonical(node, as: shape)
  }
}

extension NameRule {
  fileprivate var isLimit: Bool {
    if case .limit = self { return true }
    return false
  }
}
