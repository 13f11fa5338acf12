/// Names that somebody may have meant.
enum SimilarNames {
  /// Those that differ in few characters, or have the same repository, the nearest first; at most three.
  static func near(_ name: String, among known: [String]) -> [String] {
    let limit = max(2, name.count / 3)
    let repository = name.prefix { $0 != ":" }
    let ranked = known.compactMap { other -> (distance: Int, name: String)? in
      let isSameRepository = other.prefix { $0 != ":" } == repository
      let distance = isSameRepository ? 0 : distance(Array(name.utf8), Array(other.utf8))
      return distance <= limit ? (distance, other) : nil
    }
    return ranked.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
  }

  /// How many bytes must be added, removed or changed.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var previous = Array(0...right.count)
    for (row, byte) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        let change = previous[column] + (byte == other ? 0 : 1)
        current.append(min(change, previous[column + 1] + 1, current[column] + 1))
      }
      previous = current
    }
    return previous[right.count]
  }
}
