/// How two values of a key become one (Compose Specification, section Merge).
enum MergeRule: Sendable {
  /// Mappings are joined, lists are appended, everything else is replaced.
  case byShape
  /// The later value, whatever it is.
  case replace
  /// Appended, but an item that is the same thing as an earlier one takes its place.
  case unique(Identity)
  /// Appended; the same item twice in one file is an error.
  case distinct
  /// As mappings when both name the same `driver`, else replaced.
  case sameDriver
  /// Lists of mappings, those with the same member joined.
  case joined(by: String)

  /// What makes two items of a list the same thing.
  enum Identity: Sendable {
    /// The text as a whole.
    case value
    /// The text before `=`.
    case name
    case member(String)
    /// `target`, or else `source` in this directory.
    case mountPoint(String)
    case port
  }
}

extension MergeRule.Identity {
  /// nil for an item that is like no other.
  func identity(of item: Node) -> String? {
    switch self {
    case .value: return item.text
    case .name: return item.text.map { Canonicalizer.split($0, at: UInt8(ascii: "=")).0 }
    case .member(let name): return item.text ?? item[name]?.text
    case .mountPoint(let directory):
      return item["target"]?.text ?? item["source"]?.text.map { "\(directory)/\($0)" } ?? item.text
    case .port:
      if let text = item.text { return text }
      guard let target = item["target"]?.text else { return nil }
      let address = item["host_ip"]?.text ?? "0.0.0.0"
      let transport = item["protocol"]?.text ?? "tcp"
      return "\(address):\(item["published"]?.text ?? ""):\(target)/\(transport)"
    }
  }

  /// Later items in the places of the earlier ones that they are the same thing as.
  func unique(_ items: [Node]) -> [Node] {
    guard items.count > 1 else { return items }
    var places: [String: Int] = [:]
    var result: [Node] = []
    result.reserveCapacity(items.count)
    for item in items {
      if let identity = identity(of: item) {
        if let place = places[identity] {
          result[place] = item
          continue
        }
        places[identity] = result.count
      }
      result.append(item)
    }
    return result
  }
}
