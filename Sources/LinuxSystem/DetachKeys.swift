/// The keys by which a person leaves a terminal without ending what runs in it: `ctrl-p,ctrl-q` unless told otherwise.
package struct DetachKeys: Sendable, Hashable {
  private let sequence: [UInt8]
  /// How many of them were typed and not passed on.
  private var held = 0

  package static let standard = DetachKeys(sequence: [0x10, 0x11])

  private init(sequence: [UInt8]) {
    self.sequence = sequence
  }

  /// - Parameter text: keys with commas between them: a character, or `ctrl-` with a letter or one of `@[\]^_`; empty is none.
  package init?(_ text: String) {
    var sequence: [UInt8] = []
    for key in text.split(separator: ",") {
      let isControl = key.lowercased().hasPrefix("ctrl-")
      let rest = isControl ? key.dropFirst(5) : key
      guard rest.utf8.count == 1, let byte = rest.utf8.first, byte < 0x7F else { return nil }
      if !isControl {
        sequence.append(byte)
      } else {
        let upper = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte - 0x20 : byte
        guard (0x40...0x5F).contains(upper) else { return nil }
        sequence.append(upper - 0x40)
      }
    }
    self.init(sequence: sequence)
  }

  /// Takes what was typed.
  /// - Returns: what is to be passed on, and whether the sequence is complete: what follows it is nobody's.
  package mutating func type(_ bytes: [UInt8]) -> (passed: [UInt8], isComplete: Bool) {
    if sequence.isEmpty { return (bytes, false) }
    var passed: [UInt8] = []
    for byte in bytes {
      if byte == sequence[held] {
        held += 1
        if held == sequence.count {
          held = 0
          return (passed, true)
        }
        continue
      }
      passed += sequence[..<held]
      held = byte == sequence[0] ? 1 : 0
      if held == 0 { passed.append(byte) } else if sequence.count == 1 { return (passed, true) }
    }
    return (passed, false)
  }
}
