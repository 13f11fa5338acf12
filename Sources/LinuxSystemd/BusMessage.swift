/// A message of D-Bus ("Message Protocol" of its specification).
struct BusMessage: Equatable {
  enum Kind: UInt8 {
    case call = 1
    case answer = 2
    case error = 3
    case signal = 4
  }

  /// Fields of the header, by their numbers.
  private enum Field: UInt8 {
    case path = 1
    case interface = 2
    case member = 3
    case errorName = 4
    case answersTo = 5
    case destination = 6
    case sender = 7
    case signature = 8
    case descriptors = 9
  }

  var kind: Kind
  var serial: UInt32
  var path = ""
  var interface = ""
  var member = ""
  var errorName = ""
  var answersTo: UInt32?
  /// The types of the body's values.
  var signature = ""
  var body: [UInt8] = []

  init(_ kind: Kind, serial: UInt32) {
    self.kind = kind
    self.serial = serial
  }

  static let longest = 1 << 20
  /// What has to be read before it is known how long a message is.
  static let sizeOfBeginning = 16

  var bytes: [UInt8] {
    var writer = BusWriter()
    writer.byte(UInt8(ascii: "l"))
    writer.byte(kind.rawValue)
    writer.byte(0)
    writer.byte(1)
    writer.uint32(UInt32(body.count))
    writer.uint32(serial)
    writer.array(of: 8) { fields in
      let texts: [(Field, String, String)] = [
        (.path, "o", path), (.interface, "s", interface), (.member, "s", member), (.errorName, "s", errorName),
      ]
      for (field, type, text) in texts where !text.isEmpty {
        fields.structure { member in
          member.byte(field.rawValue)
          member.variant(type) { $0.string(text) }
        }
      }
      if let answersTo {
        fields.structure { field in
          field.byte(Field.answersTo.rawValue)
          field.variant("u") { $0.uint32(answersTo) }
        }
      }
      if !signature.isEmpty {
        fields.structure { field in
          field.byte(Field.signature.rawValue)
          field.variant("g") { $0.signature(signature) }
        }
      }
    }
    writer.align(to: 8)
    return writer.bytes + body
  }

  /// How long the message is that begins so; nil when it is none.
  static func length(_ beginning: [UInt8]) -> Int? {
    var reader = BusReader(beginning[...])
    guard beginning.count >= sizeOfBeginning, reader.byte() == UInt8(ascii: "l") else { return nil }
    for _ in 0..<3 { _ = reader.byte() }
    guard let body = reader.uint32(), reader.uint32() != nil, let fields = reader.uint32() else { return nil }
    let length = sizeOfBeginning + (Int(fields) + 7) / 8 * 8 + Int(body)
    return length <= longest ? length : nil
  }

  /// - Parameter bytes: as many as `length` says.
  init?(bytes: [UInt8]) {
    guard Self.length(bytes) == bytes.count else { return nil }
    var reader = BusReader(bytes[...])
    _ = reader.byte()
    guard let kind = reader.byte().flatMap(Kind.init) else { return nil }
    _ = (reader.byte(), reader.byte())
    guard let size = reader.uint32(), let serial = reader.uint32(), let fields = reader.uint32() else { return nil }
    self.init(kind, serial: serial)
    var header = BusReader(bytes[..<(Self.sizeOfBeginning + Int(fields))])
    for _ in 0..<Self.sizeOfBeginning { _ = header.byte() }
    while !header.isAtEnd {
      header.align(to: 8)
      guard let number = header.byte(), let type = header.signature() else { return nil }
      let text: String?
      switch type {
      case "s", "o": text = header.string()
      case "g": text = header.signature()
      case "u":
        guard let value = header.uint32() else { return nil }
        if number == Field.answersTo.rawValue { answersTo = value }
        continue
      default: return nil
      }
      guard let text else { return nil }
      switch Field(rawValue: number) {
      case .path: path = text
      case .interface: interface = text
      case .member: member = text
      case .errorName: errorName = text
      case .signature: signature = text
      case .answersTo, .destination, .sender, .descriptors, nil: break
      }
    }
    body = Array(bytes.suffix(Int(size)))
  }
}
