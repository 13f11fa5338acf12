/// Prints a loaded document: docker compose's canonical model, in the order of the file, the same bytes every time.
package enum StackPrinter {
  package static func yaml(_ document: Node) -> String {
    YAMLText.text(of: printed(document))
  }

  package static func json(_ document: Node) -> String {
    JSONText.text(of: printed(document))
  }

  /// Networks and volumes that no service uses are left out, and so are empty sections.
  static func printed(_ document: Node) -> Node {
    var result = document
    for section in ["networks", "volumes"] {
      guard let declared = document[section] else { continue }
      let used = used(section, in: document)
      let kept = declared.members.filter { used.contains($0.key) }
      if kept.isEmpty { result.remove(section) } else { result.set(section, Node(.mapping(kept), at: declared.mark)) }
    }
    return escaped(result)
  }

  private static func used(_ section: String, in document: Node) -> Set<String> {
    var names: Set<String> = []
    for service in document["services"]?.members ?? [] {
      if section == "networks" {
        names.formUnion((service.value["networks"]?.members ?? []).map(\.key))
      } else {
        for volume in service.value["volumes"]?.items ?? [] where volume["type"]?.text == "volume" {
          if let source = volume["source"]?.text { names.insert(source) }
        }
      }
    }
    return names
  }

  /// `$` is doubled, so that what is printed can be loaded again.
  private static func escaped(_ node: Node) -> Node {
    switch node.content {
    case .scalar(let text, .text):
      guard text.utf8.contains(UInt8(ascii: "$")) else { return node }
      return Node(
        text: text.split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$"), at: node.mark)
    case .scalar: return node
    case .sequence(let items): return Node(.sequence(items.map(escaped)), at: node.mark)
    case .mapping(let members):
      return Node(.mapping(members.map { Node.Member($0.key, at: $0.mark, escaped($0.value)) }), at: node.mark)
    }
  }
}
