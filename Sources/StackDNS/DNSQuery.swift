/// A domain name as a list of labels (RFC 1035, section 3.1); compared without regard to the case of ASCII letters.
package struct DNSName: Hashable, Sendable, CustomStringConvertible {
  /// Lower case.
  package let labels: [[UInt8]]

  package init(labels: [[UInt8]]) {
    self.labels = labels.map { $0.map(Self.lowercased) }
  }

  package init(_ text: String) {
    self.init(labels: text.split(separator: ".").map { Array($0.utf8) })
  }

  package var description: String {
    labels.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
  }

  private static func lowercased(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
  }

  /// The address of `4.3.2.1.in-addr.arpa`; nil for any other name.
  package var reverseAddress: UInt32? {
    guard labels.count == 6, labels[4] == Array("in-addr".utf8), labels[5] == Array("arpa".utf8) else { return nil }
    var value: UInt32 = 0
    for label in labels[..<4].reversed() {
      guard let byte = UInt8(String(decoding: label, as: UTF8.self)) else { return nil }
      value = value << 8 | UInt32(byte)
    }
    return value
  }

  var wire: [UInt8] { labels.flatMap { [UInt8($0.count)] + $0 } + [0] }
}

/// What a resource record is about (RFC 1035, section 3.2.2).
package enum DNSType {
  package static let a: UInt16 = 1
  package static let ptr: UInt16 = 12
  package static let aaaa: UInt16 = 28
  package static let opt: UInt16 = 41
  package static let any: UInt16 = 255
}

/// A question as a resolver sends it (RFC 1035, section 4; RFC 6891 for OPT).
package struct DNSQuery: Hashable, Sendable {
  package let id: UInt16
  /// The resolver asks for recursion.
  package let wantsRecursion: Bool
  package let name: DNSName
  package let type: UInt16
  package let isInternet: Bool
  /// The largest answer that the resolver takes in a datagram, when it says so (EDNS); 512 else.
  package let payloadSize: Int
  package let hasEDNS: Bool
  /// The question section as it was sent, with the case of its letters.
  let question: [UInt8]

  /// What a message is, that is no question this server answers.
  package enum Problem: Error, Hashable, Sendable {
    /// Not even an id, or no question: nobody to answer.
    case noQuery
    /// FORMERR, with the id.
    case malformed(id: UInt16)
    /// NOTIMP: another operation than a query.
    case notImplemented(id: UInt16)
  }

  package init(_ bytes: [UInt8]) throws(Problem) {
    guard bytes.count >= 12 else { throw .noQuery }
    func word(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1]) }
    let id = word(0)
    let flags = word(2)
    // A response would be answered by an answer, and so on.
    if flags & 0x8000 != 0 { throw .noQuery }
    if flags >> 11 & 0xF != 0 { throw .notImplemented(id: id) }
    guard word(4) == 1 else { throw .malformed(id: id) }
    var labels: [[UInt8]] = []
    var offset = 12
    while true {
      guard offset < bytes.count else { throw .malformed(id: id) }
      let length = Int(bytes[offset])
      offset += 1
      if length == 0 { break }
      // A pointer has nothing before it to point to.
      guard length < 64, offset + length <= bytes.count, offset + length - 12 <= 254 else { throw .malformed(id: id) }
      labels.append(Array(bytes[offset..<(offset + length)]))
      offset += length
    }
    guard offset + 4 <= bytes.count else { throw .malformed(id: id) }
    self.id = id
    wantsRecursion = flags & 0x0100 != 0
    name = DNSName(labels: labels)
    type = word(offset)
    isInternet = word(offset + 2) == 1
    question = Array(bytes[12..<(offset + 4)])
    offset += 4
    // With no answer and no authority, what comes first among the additional records is OPT.
    let isPlain = word(6) == 0 && word(8) == 0 && word(10) > 0
    if isPlain, offset + 11 <= bytes.count, bytes[offset] == 0, word(offset + 1) == DNSType.opt {
      hasEDNS = true
      payloadSize = max(512, Int(word(offset + 3)))
    } else {
      hasEDNS = false
      payloadSize = 512
    }
  }
}

/// What is answered to a question.
package enum DNSAnswer: Hashable, Sendable {
  case addresses([UInt32])
  case names([DNSName])
  /// The name exists, but has nothing of the type that was asked for.
  case noData
  /// NXDOMAIN.
  case noSuchName
  /// SERVFAIL.
  case failure
}

package enum DNSResponse {
  /// The largest datagram that crosses every network in one piece (RFC 9715).
  private static let ownPayloadSize: UInt16 = 1232
  /// Names come and go with containers: nobody keeps them.
  private static let timeToLive: UInt32 = 0

  /// The message that answers a query.
  /// - Parameter limit: bytes; an answer that is larger is left out, and marked as cut off (TC): the resolver asks by TCP.
  package static func bytes(_ answer: DNSAnswer, to query: DNSQuery, limit: Int = .max) -> [UInt8] {
    var code: UInt16 = 0
    var records: [[UInt8]] = []
    switch answer {
    case .addresses(let addresses):
      records = addresses.map { address in
        record(DNSType.a, (0..<4).map { UInt8(truncatingIfNeeded: address >> (24 - 8 * UInt32($0))) })
      }
    case .names(let names): records = names.map { record(DNSType.ptr, $0.wire) }
    case .noData: break
    case .noSuchName: code = 3
    case .failure: code = 2
    }
    let whole = message(query, code, records, isCut: false)
    return whole.count <= limit ? whole : message(query, code, [], isCut: true)
  }

  /// Whether an answer of another server settles its question: that the name is such or does not exist. A server that has
  /// failed, or does not answer such questions (SERVFAIL, NOTIMP, REFUSED), says nothing of the name.
  package static func isConclusive(_ message: [UInt8]) -> Bool {
    guard message.count >= 12 else { return false }
    return [0, 3].contains(message[3] & 0xF)
  }

  /// What a message that is no query is answered; nil for one that is not answered.
  package static func bytes(_ problem: DNSQuery.Problem) -> [UInt8]? {
    switch problem {
    case .noQuery: nil
    case .malformed(let id): header(id, flags: 0x8000 | 1, questions: 0, answers: 0, additional: 0)
    case .notImplemented(let id): header(id, flags: 0x8000 | 4, questions: 0, answers: 0, additional: 0)
    }
  }

  private static func message(_ query: DNSQuery, _ code: UInt16, _ records: [[UInt8]], isCut: Bool) -> [UInt8] {
    // A response, authoritative, recursion available.
    var flags: UInt16 = 0x8000 | 0x0400 | 0x0080 | code
    if query.wantsRecursion { flags |= 0x0100 }
    if isCut { flags |= 0x0200 }
    let edns: [UInt8] = query.hasEDNS ? [0] + pair(DNSType.opt) + pair(ownPayloadSize) + [0, 0, 0, 0, 0, 0] : []
    return header(
      query.id, flags: flags, questions: 1, answers: UInt16(clamping: records.count), additional: query.hasEDNS ? 1 : 0)
      + query.question + records.flatMap { $0 } + edns
  }

  private static func header(
    _ id: UInt16, flags: UInt16, questions: UInt16, answers: UInt16, additional: UInt16
  ) -> [UInt8] {
    pair(id) + pair(flags) + pair(questions) + pair(answers) + [0, 0] + pair(additional)
  }

  /// A record for the name of the question, which stands at byte 12.
  private static func record(_ type: UInt16, _ data: [UInt8]) -> [UInt8] {
    [0xC0, 12] + pair(type) + pair(1) + pair(UInt16(timeToLive >> 16)) + pair(UInt16(timeToLive & 0xFFFF))
      + pair(UInt16(data.count)) + data
  }

  private static func pair(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xFF)] }
}
