import LinuxSystem

/// Names that somebody may have meant.
enum SimilarNames {
  /// Those that differ in few characters, or have the same repository, the nearest first; at most three.
  static func near(_ name: String, among known: [String]) -> [String] {
    let limit = max(2, name.count / 3)
    let repository = name.prefix { $0 != ":" }
    let ranked = known.compactMap { other -> (distance: Int, name: String)? in
      let isSameRepository = other.prefix { $0 != ":" } == repository
      let distance = isSameRepository ? 0 : EditDistance.between(name, other)
      return distance <= limit ? (distance, other) : nil
    }
    return ranked.sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
  }
}
