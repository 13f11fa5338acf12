/// The second walk by the table of keys, over the merged document: what only the whole shows.
///
/// Keys that are missing are reported; what `!reset` took away goes.
struct Completion {
  let report: Report
  /// Whether missing keys are mistakes.
  let checks: Bool
  private var path = DocumentPath()

  init(report: Report, checks: Bool) {
    self.report = report
    self.checks = checks
  }

  mutating func complete(_ document: Node) -> Node { record(document, .top) }

  private mutating func complete(_ node: Node, as shape: Shape) -> Node {
    var result = node
    switch (shape.alternative(for: node.content), node.content) {
    case (.record(let table), .mapping): result = record(node, table)
    case (.dictionary(let value, _), .mapping(let members)):
      result.content = .mapping(
        members.compactMap { member in
          if member.value.isReset { return nil }
          path.push(member.key)
          defer { path.pop() }
          return Node.Member(member.key, at: member.mark, complete(member.value, as: value))
        })
    case (.list(let element), .sequence(let items)):
      var completed: [Node] = []
      completed.reserveCapacity(items.count)
      for (index, item) in items.enumerated() where !item.isReset {
        path.push(index)
        completed.append(complete(item, as: element))
        path.pop()
      }
      result.content = .sequence(completed)
    default: break
    }
    result.tag = .none
    return result
  }

  private mutating func record(_ node: Node, _ table: KeyTable) -> Node {
    var members: [Node.Member] = []
    members.reserveCapacity(node.members.count)
    for member in node.members where !member.value.isReset {
      guard let key = table[member.key] else {
        members.append(member)
        continue
      }
      path.push(member.key)
      let value = complete(member.value, as: key.shape)
      path.pop()
      members.append(Node.Member(member.key, at: member.mark, value))
    }
    if checks { check(node, table) }
    return Node(.mapping(members), at: node.mark)
  }

  private func check(_ node: Node, _ table: KeyTable) {
    for key in table.required {
      if let value = node.member(key.name)?.value, !value.isReset { continue }
      let subject = table.isNamed ? "\(table.noun) \"\(path.lastKey ?? "")\"" : path.lastKey ?? table.noun
      report.error(node.mark, path.text, "\(subject) needs \(key.name):", hint: key.meaning.lowercasedFirst)
    }
  }
}
