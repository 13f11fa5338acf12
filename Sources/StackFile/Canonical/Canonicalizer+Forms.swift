extension Canonicalizer {
  /// The long form of a value that has the right shape.
  mutating func rewrite(_ node: Node, _ form: Form) -> Node? {
    switch form {
    case .pairs: pairs(node)
    case .labels: labels(node)
    case .probe: probe(node)
    case .oneOrMany: oneOrMany(node)
    case .oneOrManyOrNone: Node(.sequence(oneOrMany(node).items.filter { $0.text != "" }), at: node.mark)
    case .command: command(node)
    case .ports: ports(node)
    case .volumes: volumes(node)
    case .devices: devices(node)
    case .dependencies: names(node) { Self.mapping([("condition", "service_started")], at: $0) }
    case .names: names(node) { .null(at: $0) }
    case .environmentFiles: oneOrMany(node, as: "path")
    case .extraHosts: extraHosts(node)
    case .external, .many: node
    case .build: Self.long(node, "context")
    case .fileGrants: oneOrMany(node, as: "source")
    case .extends: Self.long(node, "service")
    case .inclusions: inclusion(node)
    case .deviceCount: deviceCount(node)
    case .keys: keys(node)
    case .manyValues: manyValues(node)
    case .pullPolicy: pullPolicy(node)
    }
  }

  static func mapping(_ members: [(String, String)], at mark: Mark) -> Node {
    Node(.mapping(members.map { Node.Member($0.0, at: mark, Node(text: $0.1, at: mark)) }), at: mark)
  }

  /// At the first separator; the second part is nil when there is none.
  static func split(_ text: String, at separator: UInt8) -> (String, String?) {
    guard let index = text.utf8.firstIndex(of: separator) else { return (text, nil) }
    return (String(text[..<index]), String(text[text.utf8.index(after: index)...]))
  }

  /// Text as a mapping with one member; a mapping is that already.
  private static func long(_ node: Node, _ key: String) -> Node {
    node.text.map { mapping([(key, $0)], at: node.mark) } ?? node
  }

  private func oneOrMany(_ node: Node) -> Node {
    node.text == nil ? node : Node(.sequence([node]), at: node.mark)
  }

  private func oneOrMany(_ node: Node, as key: String) -> Node {
    Node(.sequence(oneOrMany(node).items.map { Self.long($0, key) }), at: node.mark)
  }

  // MARK: Mappings

  /// A later item of a list wins over an earlier one, in the earlier one's place.
  private func pairs(_ node: Node) -> Node {
    guard case .sequence(let items) = node.content else { return node }
    var members: [Node.Member] = []
    var index: [String: Int] = [:]
    for item in items {
      guard let text = item.text else { continue }
      let (name, value) = Self.split(text, at: UInt8(ascii: "="))
      let member = Node.Member(name, at: item.mark, value.map { Node(text: $0, at: item.mark) } ?? .null(at: item.mark))
      if text.isEmpty {
        report.warning(item.mark, path.text, "an empty text in \(path.name) says nothing", hint: "remove it")
      } else if name.isEmpty {
        report.refusal(item.mark, path.text, "\"\(text)\" has no name before the =", hint: "write NAME=value")
      }
      if let first = index[name] {
        members[first].value = member.value
      } else {
        index[name] = members.count
        members.append(member)
      }
    }
    return Node(.mapping(members), at: node.mark)
  }

  private func labels(_ node: Node) -> Node {
    let members = pairs(node).members.map { member in
      member.value.isNull && !member.value.isReset
        ? Node.Member(member.key, at: member.mark, Node(text: "", at: member.mark)) : member
    }
    return Node(.mapping(members), at: node.mark)
  }

  /// A list of names as members with a value each; a mapping is that already.
  private func names(_ node: Node, value: (Mark) -> Node) -> Node {
    guard case .sequence(let items) = node.content else { return node }
    var seen: Set<String> = []
    var members: [Node.Member] = []
    for item in items {
      guard let name = item.text else { continue }
      if seen.insert(name).inserted {
        members.append(Node.Member(name, at: item.mark, value(item.mark)))
      } else {
        report.error(item.mark, path.text, "\"\(name)\" is listed twice in \(path.name)", hint: "keep one of the two")
      }
    }
    return Node(.mapping(members), at: node.mark)
  }

  private func inclusion(_ node: Node) -> Node {
    guard node.text == nil else {
      return Node(.mapping([Node.Member("path", at: node.mark, Node(.sequence([node]), at: node.mark))]), at: node.mark)
    }
    return node
  }

  private func manyValues(_ node: Node) -> Node {
    let members = node.members.map { member -> Node.Member in
      guard member.value.text != nil else { return member }
      return Node.Member(member.key, at: member.mark, Node(.sequence([member.value]), at: member.value.mark))
    }
    return Node(.mapping(members), at: node.mark)
  }

  // MARK: Lists

  private func probe(_ node: Node) -> Node? {
    guard let text = node.text else {
      if let first = node.items.first, let kind = first.text, !["CMD", "CMD-SHELL", "NONE"].contains(kind) {
        report.error(
          first.mark, path.text, "the test begins with \"\(kind)\", not with CMD, CMD-SHELL or NONE",
          hint: report.suggestion(for: kind, among: ["CMD", "CMD-SHELL", "NONE"])
            ?? "write [CMD, \(kind), …], or the whole command as text")
        return nil
      }
      return node
    }
    return Node(.sequence([Node(text: "CMD-SHELL", at: node.mark), Node(text: text, at: node.mark)]), at: node.mark)
  }

  private func command(_ node: Node) -> Node? {
    guard let text = node.text else { return node }
    guard let words = ShellWords.split(text) else {
      report.error(
        node.mark, path.text, "a quote is not closed in \"\(text.prefix(60))\"",
        hint: "close it, or write \(path.name) as a list")
      return nil
    }
    return Node(.sequence(words.map { Node(text: $0, at: node.mark) }), at: node.mark)
  }

  private func devices(_ node: Node) -> Node {
    let items = node.items.map { item -> Node in
      guard let text = item.text else { return item }
      if isReference(item) { return item }
      let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      if parts.count > 3 {
        report.error(
          item.mark, path.text, "\"\(text)\" has too many colons", hint: "the form is HOST[:CONTAINER[:rwm]]")
      }
      let target = parts.count > 1 && !parts[1].isEmpty ? parts[1] : parts[0]
      return Self.mapping(
        [("source", parts[0]), ("target", target), ("permissions", parts.count > 2 ? parts[2] : "rwm")], at: item.mark)
    }
    return Node(.sequence(items), at: node.mark)
  }

  static func isPermissions(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { "rwm".utf8.contains($0) }
  }

  private func deviceCount(_ node: Node) -> Node? {
    guard let text = node.text else { return node }
    if text.lowercased() == "all" { return Node(integer: -1, at: node.mark) }
    guard let count = Int64(text) else {
      report.error(node.mark, path.text, "\"\(text)\" is neither a number nor all")
      return nil
    }
    return Node(integer: count, at: node.mark)
  }

  /// `default`, or `id: path`, as the builder takes them.
  private func keys(_ node: Node) -> Node {
    var keys = node.items.map { item -> Node in
      let text = item.text ?? ""
      // What is printed can be read again.
      if text.contains(": ") { return item }
      let (id, path) = Self.split(text, at: UInt8(ascii: "="))
      if path == nil, id != "default", !isReference(item) {
        report.error(item.mark, self.path.text, "\"\(id)\" is not default and not ID=PATH")
      }
      return Node(text: path.map { "\(id): \($0)" } ?? id, at: item.mark)
    }
    for member in node.members where !member.value.isReset {
      keys.append(Node(text: member.value.text.map { "\(member.key): \($0)" } ?? member.key, at: member.mark))
    }
    return Node(.sequence(keys), at: node.mark)
  }

  private func pullPolicy(_ node: Node) -> Node {
    let policies = ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"]
    guard let text = node.text, !policies.contains(text) else { return node }
    if text.hasPrefix("every_"), DurationText.parse(String(text.dropFirst(6))) != nil { return node }
    report.error(
      node.mark, path.text, "\"\(text)\" is not a pull policy",
      hint: report.suggestion(for: text, among: policies)
        ?? "always, never, missing, build, daily, weekly, or every_ and a time, for example every_12h")
    return node
  }

  // MARK: Hosts

  /// `HOST=ADDRESS` for each address; `:` is the older separator, and addresses may stand in brackets.
  private mutating func extraHosts(_ node: Node) -> Node {
    var hosts: [Node] = []
    for item in node.items {
      guard let text = item.text else { continue }
      if isReference(item) {
        hosts.append(item)
        continue
      }
      let separator = text.utf8.contains(UInt8(ascii: "=")) ? UInt8(ascii: "=") : UInt8(ascii: ":")
      let (name, addresses) = Self.split(text, at: separator)
      guard !name.isEmpty, let addresses else {
        report.error(item.mark, path.text, "\"\(text)\" is not HOST=ADDRESS", hint: "for example db.example=10.0.0.5")
        continue
      }
      for address in addresses.split(separator: ",", omittingEmptySubsequences: false) {
        hosts.append(host(name, String(address), at: item.mark))
      }
    }
    for member in node.members where !member.value.isReset {
      let addresses = member.value.text == nil ? member.value.items : [member.value]
      for address in addresses { hosts.append(host(member.key, address.text ?? "", at: address.mark)) }
    }
    return Node(.sequence(hosts), at: node.mark)
  }

  private func host(_ name: String, _ address: String, at mark: Mark) -> Node {
    var address = address[...]
    if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
    return Node(text: "\(name)=\(address)", at: mark)
  }
}
