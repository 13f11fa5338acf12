/// Checks a document against the table of keys and brings it into the long form, in one walk.
///
/// Defaults come later, and so does what may yet come from another file: see `Completion`. What is wrong is reported; the
/// value of a wrong member becomes `wrong` and a wrong item is left out, so that later phases meet values of the right
/// shape, all in their long form, and still know which names there are. Places are kept.
///
/// A value of the wrong kind is a mistake at once; what is wrong with one of the right kind only when no other file replaces
/// it (`Report.hold`), which is where docker compose draws the line too.
struct Canonicalizer {
  let report: Report
  var path = DocumentPath()
  /// Ports that ranges stand for; bounded because a line of text can mean 65,535.
  var portCount = 0
  /// Whether references to variables are still in the texts: a value that has one may become anything.
  let isTemplate: Bool

  init(report: Report, isTemplate: Bool = false) {
    self.report = report
    self.isTemplate = isTemplate
  }

  /// Starts below the document, for a part of it.
  init(report: Report, isTemplate: Bool, path keys: String...) {
    self.init(report: report, isTemplate: isTemplate)
    for key in keys { path.push(key) }
  }

  /// nil when the node is wrong, which is then reported.
  mutating func canonical(_ node: Node, as shape: Shape, key: Node.Member? = nil) -> Node? {
    if node.isWrong { return nil }
    if node.isReset || isReference(node) { return node }
    if key != nil, case .form(let form, let inner) = shape, let value = form.supplement(node, inner) {
      return supplement(value, of: node, shape)
    }
    guard shape.accepts(node.content) else { return refused(node, shape, key) }
    var result = accepted(node, as: shape)
    result?.tag = node.tag
    return result
  }

  /// A value of the wrong kind below its key is shown at the key when it begins in a later line.
  private func refused(_ node: Node, _ shape: Shape, _ key: Node.Member?) -> Node? {
    // Over a value of another file it says nothing; alone it is a mistake, which only the whole shows.
    if node.isNull, key != nil { return node }
    mismatch(node, shape, at: key.flatMap { $0.mark.line == node.mark.line ? nil : $0.mark })
    return nil
  }

  /// Whether the value has a reference in it that is not looked up yet.
  func isReference(_ node: Node) -> Bool {
    isTemplate && node.text?.utf8.contains(UInt8(ascii: "$")) ?? false
  }

  /// Of a value of the right kind: what is in it is looked at, not the value itself again.
  mutating func accepted(_ node: Node, as shape: Shape) -> Node? {
    switch shape {
    case .any: node
    case .nullable(let inner): node.isNull ? node : accepted(node, as: inner)
    case .either(let shapes): shapes.first { $0.accepts(node.content) }.flatMap { accepted(node, as: $0) }
    case .list(let element): list(node, of: element)
    case .record(let table): record(node, table)
    case .dictionary(let value, let rule): dictionary(node, of: value, rule)
    case .form(let form, let inner): accepted(node, as: inner).flatMap { rewrite($0, form) }
    default: scalar(node, shape)
    }
  }

  private mutating func list(_ node: Node, of element: Shape) -> Node {
    var items: [Node] = []
    items.reserveCapacity(node.items.count)
    for (index, item) in node.items.enumerated() where !item.isReset {
      path.push(index)
      if let item = canonical(item, as: element) { items.append(item) } else { report.settle(.wrong(at: item.mark)) }
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
      let value = canonical(member.value, as: value, key: member) ?? .wrong(at: member.value.mark)
      members.append(Node.Member(member.key, at: member.mark, value))
    }
    return Node(.mapping(members), at: node.mark)
  }

  private func refuse(name member: Node.Member, _ rule: NameRule) {
    let hint: String? =
      switch rule {
      case .any, .limit: nil
      case .resource: "use letters, digits, '.', '_' and '-'"
      }
    report.error(member.mark, path.text, "\"\(member.key)\" is not allowed as a name", hint: hint)
  }

  private mutating func record(_ node: Node, _ table: KeyTable) -> Node {
    var members: [Node.Member] = []
    members.reserveCapacity(node.members.count)
    for member in node.members {
      if member.key.isExtensionName {
        members.append(member)
        continue
      }
      path.push(member.key)
      defer { path.pop() }
      guard let key = table[member.key] else {
        unknown(member, table)
        continue
      }
      announce(key, member, table)
      var value = canonical(member.value, as: key.shape, key: member) ?? .wrong(at: member.value.mark)
      switch key.merge {
      case .unique(let identity): value = unique(value, by: identity)
      case .distinct: checkDistinct(value)
      case .byShape, .replace, .sameDriver, .joined: break
      }
      members.append(Node.Member(member.key, at: member.mark, value))
    }
    return Node(.mapping(members), at: node.mark)
  }
}

extension Canonicalizer {
  /// Within one file, what is listed twice is most often a mistake; the later one holds.
  private func unique(_ node: Node, by identity: MergeRule.Identity) -> Node {
    let items = node.items
    let unique = identity.unique(items)
    guard unique.count < items.count else { return node }
    var seen: Set<String> = []
    for item in items {
      guard let name = identity.identity(of: item), !seen.insert(name).inserted else { continue }
      report.warning(
        item.mark, path.text, "\(name) is listed twice in \(path.name); the later one holds",
        hint: "keep one of the two")
    }
    var result = Node(.sequence(unique), at: node.mark)
    result.tag = node.tag
    return result
  }

  private func checkDistinct(_ node: Node) {
    guard node.items.count > 1 else { return }
    var seen: [String: Mark] = [:]
    for item in node.items {
      guard let text = item.text, let first = seen.updateValue(item.mark, forKey: text) else { continue }
      report.error(
        item.mark, path.text, "\"\(text)\" is listed twice in \(path.name)",
        hint: "the first is in \(report.place(first, from: item.mark)); keep one of the two")
    }
  }
}
