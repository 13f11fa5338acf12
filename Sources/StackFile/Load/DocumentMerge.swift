/// Lays one document in the long form over another (Compose Specification, section Merge).
///
/// The table of keys says what is joined, appended or replaced. What `!reset` takes away stays as a mark, so that it is
/// also taken away from what the result is laid over; `Completion` removes it.
struct DocumentMerge {
  let report: Report

  func merged(_ base: Node, _ over: Node) -> Node { merged(base, over, as: .record(.top), rule: .byShape) }

  func merged(_ base: Node, _ over: Node, as shape: Shape, rule: MergeRule) -> Node {
    if over.tag == .reset || over.tag == .override || base.isReset || over.isWrong { return over }
    if case .scalar(_, .null) = over.content {
      if case .replace = rule { return over }
      return base
    }
    if base.isNull { return over }
    if over.tag == .supplement { report.addSupplement(at: over.mark) }
    if case .replace = rule { return replaced(base, by: over) }
    switch (base.content, over.content) {
    case (.mapping(let first), .mapping(let second)):
      if case .sameDriver = rule, let old = base["driver"]?.text, let new = over["driver"]?.text, old != new {
        return replaced(base, by: over)
      }
      return Node(.mapping(joined(first, second, as: shape.alternative(for: base.content))), at: base.mark)
    case (.sequence(let first), .sequence(let second)):
      return Node(.sequence(appended(first, second, as: shape.alternative(for: base.content), rule)), at: base.mark)
    default: return replaced(base, by: over)
    }
  }

  private func replaced(_ base: Node, by over: Node) -> Node {
    report.overriding(base.mark, by: over.mark)
    return over
  }

  private func joined(_ first: [Node.Member], _ second: [Node.Member], as shape: Shape) -> [Node.Member] {
    var result = first
    var places: [String: Int] = [:]
    for (index, member) in first.enumerated() { places[member.key] = index }
    for member in second {
      guard let place = places[member.key] else {
        places[member.key] = result.count
        result.append(member)
        continue
      }
      let (valueShape, rule) = Self.part(member.key, of: shape)
      let value = merged(result[place].value, member.value, as: valueShape, rule: rule)
      let isReplaced = value.mark == member.value.mark
      result[place] = Node.Member(member.key, at: isReplaced ? member.mark : result[place].mark, value)
    }
    return result
  }

  private static func part(_ key: String, of shape: Shape) -> (Shape, MergeRule) {
    switch shape {
    case .record(let table): table[key].map { ($0.shape, $0.merge) } ?? (.any, .byShape)
    // A resource limit is one thing: soft and hard of two files do not belong together.
    case .dictionary(let value, .limit): (value, .replace)
    // A variable without a value says where to take it from, which counts for more than the value that it had.
    case .dictionary(.value, _): (.value, .replace)
    case .dictionary(let value, _): (value, .byShape)
    default: (.any, .byShape)
    }
  }

  private func appended(_ first: [Node], _ second: [Node], as shape: Shape, _ rule: MergeRule) -> [Node] {
    switch rule {
    case .unique(let identity): return identity.unique(first + second)
    case .distinct: return MergeRule.Identity.value.unique(first + second)
    case .joined(let name):
      guard case .list(let element) = shape else { return second }
      // What the later list does not have is not part of the result: it describes the whole.
      return second.map { item in
        let same = first.first { $0[name]?.text == item[name]?.text }
        return same.map { merged($0, item, as: element, rule: .byShape) } ?? item
      }
    default: return first + second
    }
  }
}
