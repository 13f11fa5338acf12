/// `logging`, as far as it can be honoured: where the output is kept and how much of it.
package struct Logging: Sendable, Hashable, Codable {
  /// `none` keeps nothing; everything else is kept in the state directory.
  package var isKept = true
  /// `max-size`: bytes of a file after which the next one begins.
  package var maximumSize: UInt64?
  /// `max-file`: files that are kept.
  package var maximumFiles: Int?

  package init() {}
}
