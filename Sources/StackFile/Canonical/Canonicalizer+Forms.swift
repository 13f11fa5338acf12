extension Canonicalizer {
  /// The long form of a value that has the right shape.
  mutating func rewrite(_ node: Node, _ form: Form) -> Node? {
    switch form {
    case .pairs: pairs(node)
    case .labels: labels(node)
    case .probe:
      node.text.map {
        Node(.sequence([Node(text: "CMD-SHELL", at: node.mark), Node(text: $0, at: node.mark)]), at: node.mark)
      }
        ?? node
    case .oneOrMany: node.text.map { Node(.sequence([Node(text: $0, at: node.mark)]), at: node.mark) } ?? node
    case .command: command(node)
    case .ports: ports(node)
    case .volumes: volumes(node)
    case .devices: devices(node)
    case .dependencies: dependencies(node)
    case .attachments: attachments(node)
    case .environmentFiles: environmentFiles(node)
    case .extraHosts: extraHosts(node)
    case .external: node
    }
  }

  /// A later item of a list wins over an earlier one, in the earlier one's place.
  private func pairs(_ node: Node) -> Node {
    guard case .sequence(let items) = node.content else { return node }
    var members: [Node.Member] = []
    var index: [String: Int] = [:]
    for item in items {
      guard let text = item.text else { continue }
      let (name, value) = Self.split(text, at: UInt8(ascii: "="))
      let member = Node.Member(name, at: item.mark, value.map { Node(text: $0, at: item.mark) } ?? .null(at: item.mark))
      if name.isEmpty {
        report.error(item.mark, path.text, "\"\(text)\" has no name before the =", hint: "write NAME=value")
      } else if let first = index[name] {
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
      member.value.isNull ? Node.Member(member.key, at: member.mark, Node(text: "", at: member.mark)) : member
    }
    return Node(.mapping(members), at: node.mark)
  }

  /// At the first separator; the second part is nil when there is none.
  static func split(_ text: String, at separator: UInt8) -> (String, String?) {
    guard let index = text.utf8.firstIndex(of: separator) else { return (text, nil) }
    return (String(text[..<index]), String(text[text.utf8.index(after: index)...]))
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
      guard let text = item.text else { return completed(device: item) }
      let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
      var members = [("source", parts[0])]
      // `/dev/x:rw` leaves the container's path out.
      if parts.count == 2, Self.isPermissions(parts[1]) {
        members += [("target", parts[0]), ("permissions", parts[1])]
      } else {
        members += [
          ("target", parts.count > 1 ? parts[1] : parts[0]), ("permissions", parts.count > 2 ? parts[2] : "rwm"),
        ]
      }
      return Self.mapping(members, at: item.mark)
    }
    return Node(.sequence(items), at: node.mark)
  }

  private func completed(device: Node) -> Node {
    var device = device
    guard let source = device["source"] else { return device }
    if device["target"] == nil { device.set("target", source) }
    if device["permissions"] == nil { device.set("permissions", Node(text: "rwm", at: source.mark)) }
    return device
  }

  static func isPermissions(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { "rwm".utf8.contains($0) }
  }

  private func dependencies(_ node: Node) -> Node {
    var members = names(node) { Self.mapping([("condition", "service_started")], at: $0) }
    for index in members.indices where members[index].value["required"] == nil {
      members[index].value.set("required", Node(true, at: members[index].mark))
    }
    return Node(.mapping(members), at: node.mark)
  }

  private func attachments(_ node: Node) -> Node {
    Node(.mapping(names(node) { .null(at: $0) }), at: node.mark)
  }

  /// A list of names as members with a value each; a mapping is that already.
  private func names(_ node: Node, value: (Mark) -> Node) -> [Node.Member] {
    guard case .sequence(let items) = node.content else { return node.members }
    var seen: Set<String> = []
    var members: [Node.Member] = []
    for item in items {
      guard let name = item.text else { continue }
      if seen.insert(name).inserted {
        members.append(Node.Member(name, at: item.mark, value(item.mark)))
      } else {
        report.error(item.mark, path.text, "\"\(name)\" is listed twice")
      }
    }
    return members
  }

  private func environmentFiles(_ node: Node) -> Node {
    let items = node.text.map { [Node(text: $0, at: node.mark)] } ?? node.items
    let files = items.map { item -> Node in
      var file = item.text.map { Self.mapping([("path", $0)], at: item.mark) } ?? item
      if file["required"] == nil { file.set("required", Node(true, at: item.mark)) }
      return file
    }
    return Node(.sequence(files), at: node.mark)
  }

  /// `HOST=ADDRESS` for each address, sorted; `:` is the older separator, and addresses may stand in brackets.
  private mutating func extraHosts(_ node: Node) -> Node {
    var hosts: [Node] = []
    for item in node.items {
      guard let text = item.text else { continue }
      let separator = text.utf8.contains(UInt8(ascii: "=")) ? UInt8(ascii: "=") : UInt8(ascii: ":")
      let (name, addresses) = Self.split(text, at: separator)
      guard !name.isEmpty, let addresses, !addresses.isEmpty else {
        report.error(item.mark, path.text, "\"\(text)\" is not HOST=ADDRESS", hint: "for example db.example=10.0.0.5")
        continue
      }
      for address in addresses.split(separator: ",") { hosts.append(host(name, String(address), at: item.mark)) }
    }
    for member in node.members {
      let addresses = member.value.text.map { [Node(text: $0, at: member.value.mark)] } ?? member.value.items
      for address in addresses { hosts.append(host(member.key, address.text ?? "", at: address.mark)) }
    }
    return Node(.sequence(hosts.sorted { ($0.text ?? "") < ($1.text ?? "") }), at: node.mark)
  }

  private func host(_ name: String, _ address: String, at mark: Mark) -> Node {
    var address = address[...]
    if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
    return Node(text: "\(name)=\(address)", at: mark)
  }

  static func mapping(_ members: [(String, String)], at mark: Mark) -> Node {
    Node(.mapping(members.map { Node.Member($0.0, at: mark, Node(text: $0.1, at: mark)) }), at: mark)
  }
}
