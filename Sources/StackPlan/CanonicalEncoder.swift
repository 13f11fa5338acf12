/// The bytes of a value such that equal values have equal bytes, and different values different ones: keys are sorted, everything
/// carries its size, and what is nil leaves nothing.
///
/// Whatever is added to the model is counted without being named here.
struct CanonicalEncoder: Encoder {
  static func bytes(_ value: some Encodable) throws -> [UInt8] {
    let node = Node()
    try value.encode(to: CanonicalEncoder(node: node, codingPath: []))
    var bytes: [UInt8] = []
    node.write(to: &bytes)
    return bytes
  }

  /// A value as its encoding unfolds: encoders hand out containers that are filled later.
  final class Node {
    enum Content {
      case null
      case scalar(tag: UInt8, [UInt8])
      case keyed([(key: String, node: Node)])
      case list([Node])
    }

    var content = Content.null

    func write(to bytes: inout [UInt8]) {
      switch content {
      case .null:
        bytes.append(UInt8(ascii: "-"))
      case .scalar(let tag, let value):
        bytes.append(tag)
        Self.write(value.count, &bytes)
        bytes.append(contentsOf: value)
      case .keyed(let entries):
        bytes.append(UInt8(ascii: "{"))
        Self.write(entries.count, &bytes)
        for entry in entries.sorted(by: { $0.key < $1.key }) {
          Self.write(entry.key.utf8.count, &bytes)
          bytes.append(contentsOf: entry.key.utf8)
          entry.node.write(to: &bytes)
        }
      case .list(let elements):
        bytes.append(UInt8(ascii: "["))
        Self.write(elements.count, &bytes)
        for element in elements { element.write(to: &bytes) }
      }
    }

    static func write(_ integer: some FixedWidthInteger, _ bytes: inout [UInt8]) {
      var rest = UInt64(truncatingIfNeeded: integer)
      for _ in 0..<8 {
        bytes.append(UInt8(truncatingIfNeeded: rest))
        rest >>= 8
      }
    }

    func set(_ value: some FixedWidthInteger) {
      var bytes: [UInt8] = []
      Self.write(value, &bytes)
      content = .scalar(tag: UInt8(ascii: "i"), bytes)
    }

    func child(_ key: String) -> Node {
      let node = Node()
      guard case .keyed(var entries) = content else {
        content = .keyed([(key, node)])
        return node
      }
      content = .null
      entries.append((key, node))
      content = .keyed(entries)
      return node
    }

    func child() -> Node {
      let node = Node()
      guard case .list(var elements) = content else {
        content = .list([node])
        return node
      }
      content = .null
      elements.append(node)
      content = .list(elements)
      return node
    }
  }

  let node: Node
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy _: Key.Type) -> KeyedEncodingContainer<Key> {
    if case .null = node.content { node.content = .keyed([]) }
    return KeyedEncodingContainer(Keyed<Key>(node: node, codingPath: codingPath))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    if case .null = node.content { node.content = .list([]) }
    return Unkeyed(node: node, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    Single(node: node, codingPath: codingPath)
  }
}

private struct Single: SingleValueEncodingContainer {
  let node: CanonicalEncoder.Node
  let codingPath: [any CodingKey]

  func encodeNil() { node.content = .null }
  func encode(_ value: Bool) { node.content = .scalar(tag: UInt8(ascii: "b"), [value ? 1 : 0]) }
  func encode(_ value: String) { node.content = .scalar(tag: UInt8(ascii: "s"), Array(value.utf8)) }
  func encode(_ value: Double) {
    var bytes: [UInt8] = []
    CanonicalEncoder.Node.write(value.bitPattern, &bytes)
    node.content = .scalar(tag: UInt8(ascii: "d"), bytes)
  }
  func encode(_ value: Float) { encode(Double(value)) }
  func encode(_ value: Int) { node.set(value) }
  func encode(_ value: Int8) { node.set(value) }
  func encode(_ value: Int16) { node.set(value) }
  func encode(_ value: Int32) { node.set(value) }
  func encode(_ value: Int64) { node.set(value) }
  func encode(_ value: UInt) { node.set(value) }
  func encode(_ value: UInt8) { node.set(value) }
  func encode(_ value: UInt16) { node.set(value) }
  func encode(_ value: UInt32) { node.set(value) }
  func encode(_ value: UInt64) { node.set(value) }

  func encode(_ value: some Encodable) throws {
    try value.encode(to: CanonicalEncoder(node: node, codingPath: codingPath))
  }
}

private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let node: CanonicalEncoder.Node
  let codingPath: [any CodingKey]

  private func single(_ key: Key) -> Single {
    Single(node: node.child(key.stringValue), codingPath: codingPath)
  }

  func encodeNil(forKey key: Key) { single(key).encodeNil() }
  func encode(_ value: Bool, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: String, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: Double, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: Float, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: Int, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: Int8, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: Int16, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: Int32, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: Int64, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: UInt, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: UInt8, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: UInt16, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: UInt32, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: UInt64, forKey key: Key) { single(key).encode(value) }
  func encode(_ value: some Encodable, forKey key: Key) throws { try single(key).encode(value) }

  private func encoder(_ key: some CodingKey) -> CanonicalEncoder {
    CanonicalEncoder(node: node.child(key.stringValue), codingPath: codingPath)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    encoder(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder(key).unkeyedContainer() }
  func superEncoder() -> any Encoder { CanonicalEncoder(node: node.child("super"), codingPath: codingPath) }
  func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }
}

private struct Unkeyed: UnkeyedEncodingContainer {
  let node: CanonicalEncoder.Node
  let codingPath: [any CodingKey]

  var count: Int {
    if case .list(let elements) = node.content { elements.count } else { 0 }
  }

  private var single: Single { Single(node: node.child(), codingPath: codingPath) }

  func encodeNil() { single.encodeNil() }
  func encode(_ value: Bool) { single.encode(value) }
  func encode(_ value: String) { single.encode(value) }
  func encode(_ value: Double) { single.encode(value) }
  func encode(_ value: Float) { single.encode(value) }
  func encode(_ value: Int) { single.encode(value) }
  func encode(_ value: Int8) { single.encode(value) }
  func encode(_ value: Int16) { single.encode(value) }
  func encode(_ value: Int32) { single.encode(value) }
  func encode(_ value: Int64) { single.encode(value) }
  func encode(_ value: UInt) { single.encode(value) }
  func encode(_ value: UInt8) { single.encode(value) }
  func encode(_ value: UInt16) { single.encode(value) }
  func encode(_ value: UInt32) { single.encode(value) }
  func encode(_ value: UInt64) { single.encode(value) }
  func encode(_ value: some Encodable) throws { try single.encode(value) }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    CanonicalEncoder(node: node.child(), codingPath: codingPath).container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    CanonicalEncoder(node: node.child(), codingPath: codingPath).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { CanonicalEncoder(node: node.child(), codingPath: codingPath) }
}
