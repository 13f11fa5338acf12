import StackModel

/// What the canonicalizer says.
extension Canonicalizer {
  /// Says what becomes of a key that is not acted on.
  func announce(_ key: Key, _ member: Node.Member, _ table: KeyTable) {
    if member.value.isReset || key.usual.map({ $0 == member.value.text }) ?? false { return }
    switch key.support {
    case .full, .noEffect: return
    case .inert:
      report.inert(
        kind: "\(table.noun).\(key.name)", member.mark, path.text, "\(key.name) is accepted, but not acted on yet")
    case .never(let reason):
      report.inert(
        kind: "\(table.noun).\(key.name)", member.mark, path.text, "\(key.name) has no effect here: \(reason)")
    case .obsolete:
      report.inert(
        kind: key.name, member.mark, path.text, "\(key.name) is obsolete and has no effect", hint: "remove it")
    }
  }

  func unknown(_ member: Node.Member, _ table: KeyTable) {
    let place = table.isNamed || table.noun == "stack file" ? container(table) : table.noun
    let hint =
      Lookalike.hint(for: member.key) ?? report.suggestion(for: member.key, among: table.keys.map(\.name))
      ?? misplacedSection ?? elsewhere(member, than: table)
    if table.isOpen {
      report.warning(member.mark, path.text, "unknown key \"\(member.key)\" in \(place): it has no effect", hint: hint)
    } else {
      report.error(member.mark, path.text, "unknown key \"\(member.key)\" in \(place)", hint: hint)
    }
  }

  /// A key that exists, but not here, is most often an indentation mistake.
  private func elsewhere(_ member: Node.Member, than table: KeyTable) -> String? {
    let key = member.key
    if table.noun == "stack file", ["image", "build", "rootfs"].contains(where: { member.value.member($0) != nil }) {
      return "this looks like a service: indent it below services:"
    }
    if table.noun != "service", KeyTable.service[key] != nil, key != "name" {
      return "\(key): is a key of a service; check the indentation"
    }
    if table.noun != "stack file", KeyTable.top[key] != nil {
      return "\(key): is a key of the top level; check the indentation"
    }
    if table === KeyTable.deploy, KeyTable.deployResources[key] != nil { return "\(key): stands below resources:" }
    return table.keys.count <= 12 ? "known keys: " + table.keys.map(\.name).joined(separator: ", ") : nil
  }

  /// The user's name of the mapping that the path's last key stands in.
  private func container(_ table: KeyTable) -> String {
    guard table.isNamed, path.steps.count > 1 else { return "the \(table.noun)" }
    let around = path.steps.dropLast().reversed()
    for step in around {
      if case .key(let name) = step { return "\(table.noun) \"\(name)\"" }
    }
    return "the \(table.noun)"
  }

  func subject(_ table: KeyTable) -> String {
    table.isNamed ? "\(table.noun) \"\(path.lastKey ?? "")\"" : path.lastKey ?? table.noun
  }

  func mismatch(_ node: Node, _ shape: Shape, at mark: Mark? = nil) {
    report.add(mismatchFinding(node, shape, at: mark))
  }

  private func mismatchFinding(_ node: Node, _ shape: Shape, at mark: Mark? = nil) -> Finding {
    let name = path.text.map { _ in path.name } ?? "the file"
    let found: String
    switch node.content {
    case .mapping: found = "this is a mapping"
    case .sequence: found = "this is a list"
    case .scalar(_, .null), .scalar(_, .wrong): found = "it is empty"
    case .scalar(_, .text): found = "this is text"
    case .scalar(let text, .boolean): found = "\(text) is true or false"
    case .scalar(let text, _): found = "\(text) is a number"
    }
    return Finding(
      severity: .error, mark: mark ?? node.mark, path: path.text,
      message: "\(name) must be \(shape.expectation), but \(found)", hint: advice(node, shape))
  }

  /// Takes a value of a kind that is only right over another one.
  mutating func supplement(_ value: Node, of node: Node, _ shape: Shape) -> Node? {
    let alone = mismatchFinding(node, shape)
    let says =
      value.items.isEmpty
      ? "over the value of another file this says nothing: \(path.name) stays as it is"
      : "over the value of another file this is taken for an item of a list"
    report.holdSupplement(
      alone: alone,
      over: Finding(
        severity: .warning, mark: node.mark, path: path.text, message: says,
        hint: value.items.isEmpty ? "remove it, or write \(shape.expectation)" : alone.hint))
    guard var result = accepted(value, as: shape) else { return nil }
    result.tag = .supplement
    return result
  }

  private func advice(_ node: Node, _ shape: Shape) -> String? {
    if let misplaced = misplacedKey { return misplaced }
    switch node.content {
    case .scalar(_, .null):
      return shape.isCollection && shape.isRecord
        ? "its keys stand in the lines below it, indented deeper" : "give it a value, or remove the key"
    case .scalar(let text, .text):
      if text.contains("="), text.contains(" "), shape.accepts(.sequence([])), shape.accepts(.mapping([])) {
        return "write each as NAME: value, or each as - NAME=value, in a line of its own"
      }
      if text.utf8.first == UInt8(ascii: "-"), shape.accepts(.sequence([])) {
        return "a space is missing after the \"-\": - \(text.dropFirst().prefix(60))"
      }
      if shape.accepts(.sequence([])) { return "a list item begins with \"- \": - \(text.prefix(60))" }
      return shape.accepts(.mapping([])) ? "a key is followed by \": \", with the space" : nil
    case .scalar: return nil
    case .sequence(let items):
      let isOfMappings = items.contains { if case .mapping = $0.content { true } else { false } }
      return isOfMappings && shape.accepts(.mapping([])) ? "leave the \"- \" away: names stand directly below it" : nil
    case .mapping(let members):
      guard let member = members.first, case .index = path.steps.last, shape.accepts(.scalar("", .text)) else {
        return nil
      }
      let value = member.value.text ?? "…"
      return "write \(member.key)=\(value) for a pair, or \"\(member.key): \(value)\" in quotes for text"
    }
  }

  /// What text that cannot be read was most likely meant to be: a list item that is indented deeper than the one above is a
  /// part of that one's text.
  func joinedItems(_ text: String) -> String? {
    if let lookalike = Lookalike.hint(for: text) { return lookalike }
    let isJoined = Array(text.utf8).split(separator: UInt8(ascii: " ")).dropFirst().contains {
      $0.elementsEqual("-".utf8)
    }
    return isJoined ? "the next \"- \" is indented deeper and so continues this text: indent it like this one" : nil
  }

  /// In `services.volumes.data`, a section of the top level that is indented too deep.
  private var misplacedSection: String? {
    guard path.steps.count == 3, case .key("services") = path.steps[0], case .key(let name) = path.steps[1],
      name != "services", KeyTable.top[name]?.isCollection ?? false
    else { return nil }
    return "\(name): is a key of the top level; check the indentation"
  }

  /// `volumes:` below `services:` is not a service of that name, but indented too little.
  private var misplacedKey: String? {
    guard path.steps.count == 2, case .key("services") = path.steps[0], case .key(let name) = path.steps[1],
      KeyTable.service[name] != nil
    else { return nil }
    return "\(name): is a key of a service; check the indentation"
  }
}

extension DocumentPath {
  /// `image`, or `ports[0]` for items.
  var name: String {
    var tail: [Step] = []
    for step in steps.reversed() {
      tail.insert(step, at: 0)
      if case .key = step { break }
    }
    return DocumentPath.text(tail)
  }
}

extension String {
  var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
