/// "Did you mean": the nearest of the known names.
enum Similarity {
  /// The number of characters to insert, delete, replace, or swap with their neighbour (optimal string alignment).
  static func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left.lowercased().utf8)
    let right = Array(right.lowercased().utf8)
    guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
    var beforePrevious = [Int](repeating: 0, count: right.count + 1)
    var previous = Array(0...right.count)
    var current = previous
    for i in 1...left.count {
      current[0] = i
      for j in 1...right.count {
        let cost = left[i - 1] == right[j - 1] ? 0 : 1
        var best = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
        if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
          best = min(best, beforePrevious[j - 2] + 1)
        }
        current[j] = best
      }
      (beforePrevious, previous, current) = (previous, current, beforePrevious)
    }
    return previous[right.count]
  }

  /// The nearest candidate that is near enough to be meant; the first of equals.
  static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
    guard name.utf8.count <= 64 else { return nil }
    let limit = max(1, min(3, name.utf8.count / 3))
    var best: (name: String, distance: Int)?
    for candidate in candidates where abs(candidate.utf8.count - name.utf8.count) <= 3 {
      let distance = distance(name, candidate)
      // An ending that is missing or too much is no typing mistake, but as near: `alias`, `aliases`.
      let isStem = name.utf8.count > 3 && (candidate.hasPrefix(name) || name.hasPrefix(candidate))
      if distance <= limit || isStem, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.name
  }

  static func suggestion(
    for name: String, among candidates: some Sequence<String>, write: (String) -> String = { "\"\($0)\"" }
  ) -> String? {
    nearest(to: name, among: candidates).map { "did you mean \(write($0))?" }
  }
}
