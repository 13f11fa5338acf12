import IsolationEngine

extension ListedProcess.MemoryPolicy {
  private static let modes: [String: Int32] = [
    "MPOL_DEFAULT": 0, "MPOL_PREFERRED": 1, "MPOL_BIND": 2, "MPOL_INTERLEAVE": 3, "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5, "MPOL_WEIGHTED_INTERLEAVE": 6,
  ]
  private static let flags: [String: Int32] = [
    "MPOL_F_STATIC_NODES": 1 << 15, "MPOL_F_RELATIVE_NODES": 1 << 14, "MPOL_F_NUMA_BALANCING": 1 << 13,
  ]
  /// More than any machine has, and what a mask may cost.
  private static let mostNodes = 4096

  init?(_ field: Field) {
    let name = field["mode"]?.string ?? ""
    guard var mode = Self.modes[name] else {
      field.report("invalid memory policy mode \"\(name)\"")
      return nil
    }
    for item in field["flags"]?.list ?? [] {
      guard let text = item.string else { continue }
      if let flag = Self.flags[text] { mode |= flag } else { item.report("invalid memory policy flag \"\(text)\"") }
    }
    var nodes: [UInt] = []
    if let list = field["nodes"], let text = list.string, !text.isEmpty {
      guard let mask = Self.mask(text) else {
        list.report("invalid memory policy nodes \"\(text)\"")
        return nil
      }
      nodes = mask
    }
    let count = nodes.reduce(0) { $0 + $1.nonzeroBitCount }
    // The kernel says no more than that something is wrong (set_mempolicy(2)).
    if ["MPOL_DEFAULT", "MPOL_LOCAL"].contains(name) && count > 0 {
      field.report("mode requires 0 nodes but got \(count)")
    }
    self.init(mode: mode, nodes: nodes)
  }

  /// `0-2,5` as a mask of words.
  private static func mask(_ text: String) -> [UInt]? {
    var words: [UInt] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, first >= 0, first <= last, last < mostNodes
      else {
        return nil
      }
      for node in first...last {
        while words.count <= node / 64 { words.append(0) }
        words[node / 64] |= 1 << UInt(node % 64)
      }
    }
    return words
  }
}
