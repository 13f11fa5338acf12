/// How far apart two names are, for guessing which one was meant.
package enum EditDistance {
  /// How many bytes must be added, removed or changed (Levenshtein).
  package static func between(_ first: String, _ second: String) -> Int {
    let second = Array(second.utf8)
    var row = Array(0...second.count)
    for (index, byte) in first.utf8.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for (column, other) in second.enumerated() {
        let above = row[column + 1]
        row[column + 1] = min(diagonal + (byte == other ? 0 : 1), above + 1, row[column] + 1)
        diagonal = above
      }
    }
    return row[second.count]
  }
}
