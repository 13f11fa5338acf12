import CNetlink
import SystemPackage

/// A message from the kernel.
package struct NetlinkReply: Sendable {
  package let type: UInt16
  let flags: UInt16
  package let sequence: UInt32
  /// The whole message, with its header.
  package let bytes: [UInt8]

  static let headerLength = 16

  /// The messages in a datagram; what is malformed ends it.
  package static func messages(in datagram: [UInt8]) -> [NetlinkReply] {
    var replies: [NetlinkReply] = []
    var offset = 0
    while let length = datagram.integer(at: offset, UInt32.self).map(Int.init), length >= headerLength,
      length <= datagram.count - offset,
      let type = datagram.integer(at: offset + 4, UInt16.self),
      let flags = datagram.integer(at: offset + 6, UInt16.self),
      let sequence = datagram.integer(at: offset + 8, UInt32.self)
    {
      let bytes = Array(datagram[offset..<offset + length])
      replies.append(NetlinkReply(type: type, flags: flags, sequence: sequence, bytes: bytes))
      offset += aligned(length)
    }
    return replies
  }

  /// The error in an NLMSG_ERROR or NLMSG_DONE; nil is success.
  package var refusal: (errno: Errno, text: String?)? {
    guard let number = bytes.integer(at: Self.headerLength, Int32.self), number < 0 else { return nil }
    let errno = Errno(rawValue: -number)
    guard type == UInt16(NLMSG_ERROR), flags & UInt16(NLM_F_ACK_TLVS) != 0,
      let request = bytes.integer(at: Self.headerLength + 4, UInt32.self).map(Int.init)
    else { return (errno, nil) }
    // The header of the request comes back, and its payload too unless the message says that it was left out.
    let echoed = flags & UInt16(NLM_F_CAPPED) != 0 ? Self.headerLength : Self.aligned(max(request, Self.headerLength))
    return (errno, text(of: NLMSGERR_ATTR_MSG.rawValue, from: Self.headerLength + 4 + echoed))
  }

  /// The string in an attribute.
  ///
  /// - Parameter offset: where the attributes begin in the message.
  package func text(of attribute: some BinaryInteger, from offset: Int) -> String? {
    payload(of: attribute, from: offset).map { String(decoding: bytes[$0].prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// The number in an attribute, in network byte order as nftables has them.
  ///
  /// - Parameter path: the attribute, or the attributes in which it is nested, from the outside in.
  package func number(of path: [UInt32], from offset: Int) -> UInt32? {
    var place = offset
    for attribute in path {
      guard let range = payload(of: attribute, from: place) else { return nil }
      place = range.lowerBound
    }
    return bytes.integer(at: place, UInt32.self).map(UInt32.init(bigEndian:))
  }

  private func payload(of attribute: some BinaryInteger, from offset: Int) -> Range<Int>? {
    var offset = offset
    while let length = bytes.integer(at: offset, UInt16.self).map(Int.init), length >= 4,
      length <= bytes.count - offset, let type = bytes.integer(at: offset + 2, UInt16.self)
    {
      if Int(type & 0x3fff) == Int(attribute) {
        return offset + 4..<offset + length
      }
      offset += Self.aligned(length)
    }
    return nil
  }

  private static func aligned(_ length: Int) -> Int { (length + 3) & ~3 }
}

extension [UInt8] {
  /// The integer in the machine's byte order at an offset; nil when it does not lie within.
  fileprivate func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _ type: Value.Type) -> Value? {
    guard offset >= 0, count - offset >= MemoryLayout<Value>.size else { return nil }
    return unsafe withUnsafeBytes { unsafe $0.loadUnaligned(fromByteOffset: offset, as: type) }
  }
}
