/// The numbers that users of containers have on the machine: one range for each stack.
package enum UserRanges {
  /// The numbers of a stack: enough for what images and most directories have.
  package static let size: UInt32 = 1 << 20

  /// Far above those of people and of subuid(5), and below 2^31: older kernels read options like `uid=` of devpts as `int`.
  private static let first: UInt32 = 0x4000_0000
  private static let count: UInt32 = 0x3ff

  /// Numbers that are somebody's, for example a line of subuid(5).
  package struct Range: Hashable, Sendable {
    package let first: UInt64
    package let count: UInt64

    package init(first: UInt64, count: UInt64) {
      self.first = first
      self.count = count
    }

    fileprivate func overlaps(_ base: UInt32) -> Bool {
      first < UInt64(base) + UInt64(size) && UInt64(base) < first + count
    }
  }

  /// The first number of a stack: the same each time, unless another has it by now.
  ///
  /// - Parameter taken: the ranges of other stacks and of others.
  /// - Returns: nil when all are taken.
  package static func choose(for project: String, taken: [Range]) -> UInt32? {
    let start = StableHash.folded(StableHash.of("users", project)) % count
    for step in 0..<count {
      let base = first + (start + step) % count * size
      if !taken.contains(where: { $0.overlaps(base) }) { return base }
    }
    return nil
  }

  /// Reads `name:first:count` lines; others are nobody's claim.
  package static func parse(_ text: String) -> [Range] {
    text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: ":", omittingEmptySubsequences: false)
      guard fields.count == 3, let first = UInt32(fields[1]), let count = UInt32(fields[2]) else { return nil }
      return Range(first: UInt64(first), count: UInt64(count))
    }
  }
}
