/// The documents of one file as one: later ones are laid over earlier ones (Compose Specification, section Merge).
///
/// Mappings are joined, lists are appended, everything else is replaced, and so are commands.
enum DocumentMerge {
  static func merged(_ documents: [Node]) -> Node? {
    guard var result = documents.first else { return nil }
    for document in documents.dropFirst() { result = merge(result, document, key: nil) }
    return result
  }

  private static let replaced: Set<String> = ["command", "entrypoint", "test"]

  private static func merge(_ base: Node, _ over: Node, key: String?) -> Node {
    if let key, replaced.contains(key) { return over }
    switch (base.content, over.content) {
    case (.mapping(let first), .mapping(let second)):
      return Node(.mapping(merge(first, second)), at: base.mark)
    case (.sequence(let first), .sequence(let second)):
      return Node(.sequence(first + second), at: base.mark)
    case (.mapping, .sequence(let items)):
      return asMapping(items).map { merge(base, Node(.mapping($0), at: over.mark), key: nil) } ?? over
    case (.sequence(let items), .mapping):
      return asMapping(items).map { merge(Node(.mapping($0), at: base.mark), over, key: nil) } ?? over
    case (_, .scalar(_, .null)): return base
    case (_, .scalar), (.scalar, _): return over
    }
  }

  private static func merge(_ first: [Node.Member], _ second: [Node.Member]) -> [Node.Member] {
    var result = first
    var index = Dictionary(first.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
    for member in second {
      if let position = index[member.key] {
        result[position].value = merge(result[position].value, member.value, key: member.key)
      } else {
        index[member.key] = result.count
        result.append(member)
      }
    }
    return result
  }

  /// `[A=1, B]` as a mapping, for keys that may be written both ways; nil when the list holds anything but text.
  private static func asMapping(_ items: [Node]) -> [Node.Member]? {
    var members: [Node.Member] = []
    for item in items {
      guard let text = item.text else { return nil }
      let (name, value) = Canonicalizer.split(text, at: UInt8(ascii: "="))
      members.append(
        Node.Member(name, at: item.mark, value.map { Node(text: $0, at: item.mark) } ?? .null(at: item.mark)))
    }
    return members
  }
}
