/// Prints a loaded document: docker compose's canonical model, in the order of the file, the same bytes every time.
package enum StackPrinter {
  /// - Parameter escapes: whether `$` is doubled, so that what is printed can be loaded again.
  package static func yaml(_ document: Node, escapes: Bool = true) -> String {
    YAMLText.text(of: printed(document), escapes: escapes)
  }

  /// Extensions are only printed at the top level, as docker compose does.
  package static func json(_ document: Node, escapes: Bool = true) -> String {
    var shown = printed(document)
    // Models are no part of docker compose's canonical JSON.
    shown.remove("models")
    // Most files have neither: then nothing is copied.
    if shown["services"]?.members.contains(where: { $0.value["blkio_config"] != nil }) ?? false {
      shown.update("services") { $0.updateMembers { _, service in service.update("blkio_config", capitalizeDevices) } }
    }
    if hasExtensions(shown, isTop: true) { shown = withoutExtensions(shown, .record(.top), isTop: true) }
    return JSONText.text(of: shown, escapes: escapes)
  }

  /// The members of a block device are the only ones that docker compose prints with capitals.
  private static func capitalizeDevices(_ limits: inout Node) {
    limits.updateMembers { _, devices in
      devices.updateItems { device in
        device.content = .mapping(
          device.members.map { Node.Member($0.key.prefix(1).uppercased() + $0.key.dropFirst(), at: $0.mark, $0.value) })
      }
    }
  }

  /// One service, for its hash.
  package static func json(service: Node) -> String { JSONText.text(of: service) }

  /// What no service uses is left out, and so are empty sections.
  static func printed(_ document: Node) -> Node {
    var result = document
    for section in ["networks", "volumes", "secrets", "configs", "models"] {
      guard let declared = document[section] else { continue }
      let used = used(section, in: document)
      let kept = declared.members.filter { used.contains($0.key) }.map { member in
        var member = member
        member.value.remove(Node.hiddenValue)
        return member
      }
      if kept.isEmpty { result.remove(section) } else { result.set(section, Node(.mapping(kept), at: declared.mark)) }
    }
    return result
  }

  static func used(_ section: String, in document: Node) -> Set<String> {
    var names: Set<String> = []
    for service in document["services"]?.members ?? [] {
      let node = service.value
      switch section {
      case "networks", "models": names.formUnion((node[section]?.members ?? []).map(\.key))
      case "volumes":
        for volume in node["volumes"]?.items ?? [] where volume["type"]?.text == "volume" {
          if let source = volume["source"]?.text { names.insert(source) }
        }
      default:
        names.formUnion((node[section]?.items ?? []).compactMap { $0["source"]?.text })
        if section == "secrets" {
          names.formUnion((node["build"]?["secrets"]?.items ?? []).compactMap { $0["source"]?.text })
        }
      }
    }
    return names
  }

  private static func withoutExtensions(_ node: Node, _ shape: Shape, isTop: Bool = false) -> Node {
    var result = node
    switch (shape.alternative(for: node.content), node.content) {
    case (.record(let table), .mapping(let members)):
      result.content = .mapping(
        members.compactMap { member in
          guard let key = table[member.key] else { return isTop ? member : nil }
          return Node.Member(member.key, at: member.mark, withoutExtensions(member.value, key.shape))
        })
    case (.dictionary(let value, _), .mapping(let members)):
      result.content = .mapping(
        members.map { Node.Member($0.key, at: $0.mark, withoutExtensions($0.value, value)) })
    case (.list(let element), .sequence(let items)):
      result.content = .sequence(items.map { withoutExtensions($0, element) })
    default: break
    }
    return result
  }

  /// Whether a key anywhere below the top looks like an extension's.
  private static func hasExtensions(_ node: Node, isTop: Bool = false) -> Bool {
    switch node.content {
    case .scalar: false
    case .sequence(let items): items.contains { hasExtensions($0) }
    case .mapping(let members):
      members.contains { member in
        let isExtension = member.key.isExtensionName
        return isTop ? !isExtension && hasExtensions(member.value) : isExtension || hasExtensions(member.value)
      }
    }
  }
}
