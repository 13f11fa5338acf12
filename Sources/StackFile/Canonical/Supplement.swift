extension Form {
  /// What a value of a kind that is not right alone says over one that is: docker compose appends a text to a list, and drops
  /// what it cannot append. nil when the value is of a right kind, or of one that is never right.
  func supplement(_ node: Node, _ shape: Shape) -> Node? {
    switch (self, node.content) {
    case (_, .scalar(_, .null)), (_, .scalar(_, .wrong)): nil
    case (.labels, _) where !shape.accepts(.sequence([])): nil
    case (.pairs, .scalar(_, let type)), (.labels, .scalar(_, let type)), (.extraHosts, .scalar(_, let type)),
      (.many, .scalar(_, let type)):
      Node(.sequence(type == .text ? [node] : []), at: node.mark)
    case (.oneOrMany, .scalar(_, let type)), (.oneOrManyOrNone, .scalar(_, let type)),
      (.environmentFiles, .scalar(_, let type)):
      type == .text ? nil : Node(.sequence([]), at: node.mark)
    case (.oneOrMany, .mapping(let members)), (.oneOrManyOrNone, .mapping(let members)),
      (.environmentFiles, .mapping(let members)), (.many, .mapping(let members)):
      Node(.sequence(Self.items(of: members)), at: node.mark)
    case (.build, .scalar(_, let type)): type == .text ? nil : Node(.mapping([]), at: node.mark)
    case (.build, .sequence): Node(.mapping([]), at: node.mark)
    case (.dependencies, .scalar), (.names, .scalar): Node(.sequence([]), at: node.mark)
    default: nil
    }
  }

  /// `{A: 1, B: [2, 3], C: }` as `[A=1, B=2, B=3, C]`, in the order of the texts.
  private static func items(of members: [Node.Member]) -> [Node] {
    members.flatMap { member -> [Node] in
      if case .scalar(_, .null) = member.value.content { return [Node(text: member.key, at: member.mark)] }
      let values = member.value.text.map { [$0] } ?? member.value.items.compactMap(\.text)
      return values.map { Node(text: "\(member.key)=\($0)", at: member.mark) }
    }
    .sorted { ($0.text ?? "") < ($1.text ?? "") }
  }
}
