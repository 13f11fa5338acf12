/// The second walk by the table of keys, over the merged document: what only the whole shows.
///
/// Keys that are missing are reported, and those that no file gives a value; what `!reset` took away goes. Changes in its
/// place what is not as it should be.
struct Completion {
  let report: Report
  /// Whether missing keys are mistakes.
  let checks: Bool
  private var path = DocumentPath()

  init(report: Report, checks: Bool) {
    self.report = report
    self.checks = checks
  }

  mutating func complete(_ document: inout Node) { record(&document, .top) }

  private mutating func complete(_ node: inout Node, as shape: Shape) {
    node.tag = .none
    switch shape.alternative(for: node.content) {
    case .record(let table): record(&node, table)
    case .dictionary(let value, _): members(&node, of: value)
    case .list(let element): items(&node, of: element)
    default: return
    }
  }

  private mutating func members(_ node: inout Node, of value: Shape) {
    guard case .mapping(var members) = node.content else { return }
    node.content = .mapping([])
    if members.contains(where: \.value.isReset) { members.removeAll(where: \.value.isReset) }
    if value.isCollection {
      let acceptsNull = value.accepts(.scalar("", .null))
      for index in members.indices {
        if !acceptsNull { refuseNull(&members[index], as: value) }
        path.push(members[index].key)
        complete(&members[index].value, as: value)
        path.pop()
      }
    }
    node.content = .mapping(members)
  }

  private mutating func items(_ node: inout Node, of element: Shape) {
    guard case .sequence(var items) = node.content else { return }
    node.content = .sequence([])
    if items.contains(where: \.isReset) { items.removeAll(where: \.isReset) }
    if element.isCollection {
      for index in items.indices {
        path.push(index)
        complete(&items[index], as: element)
        path.pop()
      }
    }
    node.content = .sequence(items)
  }

  private mutating func record(_ node: inout Node, _ table: KeyTable) {
    guard case .mapping(var members) = node.content else { return }
    node.content = .mapping([])
    if members.contains(where: \.value.isReset) { members.removeAll(where: \.value.isReset) }
    for index in members.indices {
      guard let key = table[members[index].key] else { continue }
      if !key.acceptsNull { refuseNull(&members[index], as: key.shape) }
      guard key.isCollection else {
        members[index].value.tag = .none
        continue
      }
      path.push(key.name)
      complete(&members[index].value, as: key.shape)
      path.pop()
    }
    node.content = .mapping(members)
    if checks, !table.required.isEmpty { check(node, table) }
  }

  private mutating func refuseNull(_ member: inout Node.Member, as shape: Shape) {
    guard case .scalar(_, .null) = member.value.content else { return }
    path.push(member.key)
    var canonicalizer = Canonicalizer(report: report)
    canonicalizer.path = path
    canonicalizer.mismatch(member.value, shape, at: member.mark)
    path.pop()
    member.value = .wrong(at: member.mark)
  }

  private func check(_ node: Node, _ table: KeyTable) {
    for key in table.required where node.member(key.name) == nil {
      let subject = table.isNamed ? "\(table.noun) \"\(path.lastKey ?? "")\"" : path.lastKey ?? table.noun
      report.error(node.mark, path.text, "\(subject) needs \(key.name):", hint: key.meaning.lowercasedFirst)
    }
  }
}
