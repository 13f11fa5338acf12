import CNettle

/// A SHA-256 digest, written `sha256:` and 64 hexadecimal digits in lower case (OCI image specification, descriptor).
package struct Digest: Hashable, Sendable, CustomStringConvertible {
  /// 64 digits.
  package let hexadecimal: String

  /// - Returns: nil for anything but the exact form: other algorithms, upper case, and paths are no digests.
  package init?(_ text: some StringProtocol) {
    guard text.hasPrefix("sha256:") else { return nil }
    self.init(hexadecimal: text.dropFirst("sha256:".count))
  }

  /// - Returns: nil for anything but 64 hexadecimal digits in lower case.
  package init?(hexadecimal: some StringProtocol) {
    guard hexadecimal.utf8.count == 64, hexadecimal.utf8.allSatisfy(Self.isDigit) else { return nil }
    self.hexadecimal = String(hexadecimal)
  }

  fileprivate init(_ bytes: [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    hexadecimal = String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The digest of `bytes`.
  package init(of bytes: [UInt8]) {
    var hash = SHA256()
    unsafe bytes.withUnsafeBytes { unsafe hash.update($0) }
    self = hash.finish()
  }

  package static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }

  package var description: String { "sha256:\(hexadecimal)" }
}

/// SHA-256 over a stream.
struct SHA256 {
  private var context = sha256_ctx()

  init() {
    unsafe nettle_sha256_init(&context)
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    unsafe nettle_sha256_update(&context, bytes.count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }

  mutating func finish() -> Digest {
    var bytes = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_SIZE))
    unsafe nettle_sha256_digest(&context, bytes.count, &bytes)
    return Digest(bytes)
  }
}
