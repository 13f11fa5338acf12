/// A collection that the composer has not seen the end of.
struct Frame {
  struct Key {
    enum Kind {
      case ordinary
      /// `<<`.
      case merge
      /// Already reported: its value is dropped.
      case invalid
    }

    var text: String
    var mark: Mark
    var kind: Kind
  }

  let isMapping: Bool
  let mark: Mark
  let tag: MergeTag
  let anchor: String?
  /// How many values the file had before this one.
  let firstValue: Int
  var items: [Node] = []
  var key: Key?
  /// Of the collections in it.
  var height = 0
  /// Whether a member was dropped, which is reported.
  var hasInvalidKey = false
  /// Where its `<<` stands.
  var firstMerge: Mark?
  private var members: [Node.Member] = []
  /// Only kept for mappings that are long enough to be slow to search.
  private var places: [String: Int] = [:]
  /// The members to come from elsewhere, with the number of own members before them.
  private var merges: [(position: Int, node: Node)] = []

  private static let isLong = 24

  init(isMapping: Bool, mark: Mark, tag: MergeTag, anchor: String?, firstValue: Int) {
    self.isMapping = isMapping
    self.mark = mark
    self.tag = tag
    self.anchor = anchor
    self.firstValue = firstValue
  }

  func place(of key: String) -> Mark? {
    if members.count < Self.isLong { return members.first { $0.key.isSame(as: key) }?.mark }
    return places[key].map { members[$0].mark }
  }

  mutating func add(_ member: Node.Member) {
    members.append(member)
    if members.count == Self.isLong {
      for (index, member) in members.enumerated() { places[member.key] = index }
    } else if members.count > Self.isLong {
      places[member.key] = members.count - 1
    }
  }

  mutating func addMerge(_ node: Node) {
    merges.append((members.count, node))
  }

  var node: Node {
    // Of nothing but mistakes nothing follows.
    if hasInvalidKey, members.isEmpty, merges.isEmpty { return .wrong(at: mark) }
    var node = Node(isMapping ? .mapping(merges.isEmpty ? members : mergedMembers) : .sequence(items), at: mark)
    node.tag = tag
    return node
  }

  /// Own members win over merged ones, and earlier merges over later ones (YAML's merge key, yaml.org/type/merge.html).
  private var mergedMembers: [Node.Member] {
    var names = Set(members.map(\.key))
    var result: [Node.Member] = []
    var next = 0
    for merge in merges {
      result += members[next..<merge.position]
      next = merge.position
      for member in merge.node.members where names.insert(member.key).inserted { result.append(member) }
    }
    return result + members[next...]
  }
}
