/// A name or a path as the kernel takes it: bytes without NUL that need not be UTF-8.
package struct RawName: Hashable, Sendable {
  /// The bytes with the NUL that ends them.
  package let terminated: [CChar]

  package init(_ bytes: some Collection<UInt8>) {
    var terminated = [CChar]()
    terminated.reserveCapacity(bytes.count + 1)
    for byte in bytes { terminated.append(CChar(bitPattern: byte)) }
    terminated.append(0)
    self.terminated = terminated
  }

  package init(_ text: String) {
    self.init(text.utf8)
  }

  package var bytes: [UInt8] { terminated.dropLast().map { UInt8(bitPattern: $0) } }
  /// For messages: bytes that are not UTF-8 become U+FFFD.
  package var text: String { String(decoding: bytes, as: UTF8.self) }
}
