/// Makes tars for tests, also such as no tool would write. Independent of the code under test.
public struct TarBuilder {
  public private(set) var bytes: [UInt8] = []

  public init() {}

  /// The content with the marker at its end.
  public var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

  public mutating func file(
    _ name: String, _ content: String = "x", mode: UInt32 = 0o644, uid: Int = 0, attributes: [(String, [UInt8])] = []
  ) {
    pax(attributes)
    entry(Array(name.utf8), type: "0", content: Array(content.utf8), mode: mode, uid: uid)
  }

  public mutating func file(_ name: [UInt8], content: [UInt8]) {
    entry(name, type: "0", content: content)
  }

  public mutating func directory(
    _ name: String, mode: UInt32 = 0o755, uid: Int = 0, attributes: [(String, [UInt8])] = []
  ) {
    pax(attributes)
    entry(Array(name.utf8), type: "5", mode: mode, uid: uid)
  }

  public mutating func link(_ name: String, to target: String) {
    entry(Array(name.utf8), type: "2", link: Array(target.utf8), mode: 0o777)
  }

  public mutating func hardLink(_ name: String, to target: String) {
    entry(Array(name.utf8), type: "1", link: Array(target.utf8))
  }

  public mutating func device(_ name: String, major: Int, minor: Int) {
    entry(Array(name.utf8), type: "3", mode: 0o666, device: (major, minor))
  }

  public mutating func fifo(_ name: String) {
    entry(Array(name.utf8), type: "6")
  }

  /// A sparse file in GNU's old form: one piece of data at an offset.
  public mutating func sparseFile(_ name: String, size: Int, data: [UInt8], at offset: Int) {
    var header = Self.header(Array(name.utf8), type: "S", size: data.count)
    Self.put(Self.octal(offset, 11), at: 386, in: &header)
    Self.put(Self.octal(data.count, 11), at: 398, in: &header)
    Self.put(Self.octal(size, 11), at: 483, in: &header)
    // GNU's magic.
    Self.put(Array("ustar  ".utf8) + [0], at: 257, in: &header)
    append(header, data)
  }

  /// A pax header for the next entry.
  public mutating func pax(record key: String, _ value: [UInt8]) {
    let rest = Array(" \(key)=".utf8) + value + [UInt8(ascii: "\n")]
    var count = rest.count
    while String(count).utf8.count + rest.count != count { count = String(count).utf8.count + rest.count }
    entry(Array("pax".utf8), type: "x", content: Array(String(count).utf8) + rest)
  }

  private mutating func pax(_ attributes: [(String, [UInt8])]) {
    for (name, value) in attributes { pax(record: "SCHILY.xattr.\(name)", value) }
  }

  private mutating func entry(
    _ name: [UInt8], type: Character, content: [UInt8] = [], link: [UInt8] = [], mode: UInt32 = 0o644, uid: Int = 0,
    device: (major: Int, minor: Int) = (0, 0)
  ) {
    var header = Self.header(name, type: type, size: content.count)
    Self.put(Self.octal(Int(mode), 7), at: 100, in: &header)
    Self.put(Self.octal(uid, 7), at: 108, in: &header)
    Self.put(Self.octal(uid, 7), at: 116, in: &header)
    Self.put(link, at: 157, in: &header)
    Self.put(Self.octal(device.major, 7), at: 329, in: &header)
    Self.put(Self.octal(device.minor, 7), at: 337, in: &header)
    append(header, content)
  }

  private mutating func append(_ header: [UInt8], _ content: [UInt8]) {
    var header = header
    Self.put([UInt8](repeating: UInt8(ascii: " "), count: 8), at: 148, in: &header)
    let sum = header.reduce(0) { $0 + Int($1) }
    Self.put(Self.octal(sum, 6) + [0], at: 148, in: &header)
    bytes += header + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
  }

  private static func header(_ name: [UInt8], type: Character, size: Int) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    put(name, at: 0, in: &header)
    put(octal(size, 11), at: 124, in: &header)
    put(octal(1_000_000_000, 11), at: 136, in: &header)
    put(Array(String(type).utf8), at: 156, in: &header)
    put(Array("ustar\u{0}00".utf8), at: 257, in: &header)
    return header
  }

  private static func put(_ bytes: [UInt8], at offset: Int, in header: inout [UInt8]) {
    header.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
  }

  private static func octal(_ value: Int, _ width: Int) -> [UInt8] {
    let digits = String(value, radix: 8)
    return Array((String(repeating: "0", count: width - digits.count) + digits).utf8)
  }
}
