import CNetlink
import Glibc
import LinuxSystem
import SystemPackage

/// A netlink socket (netlink(7)): sends requests, and matches the kernel's answers to them.
///
/// It belongs to the network namespace in which it was opened. libnl builds the messages; sending is done here, because what
/// the kernel answers, error number and words, must not be lost in a translation.
package final class NetlinkSocket {
  private let owned: OwnedDescriptor
  private var sequence: UInt32 = 0

  /// - Parameter family: NETLINK_ROUTE or NETLINK_NETFILTER.
  package init(family: CInt) throws(NetlinkError) {
    let descriptor = socket(AF_NETLINK, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), family)
    guard descriptor >= 0 else { throw NetlinkError("open netlink socket", .latest) }
    owned = OwnedDescriptor(owning: descriptor)
    var on: CInt = 1
    // Best effort: without extended acknowledgements an error is only a number.
    for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK] {
      _ = unsafe setsockopt(descriptor, SOL_NETLINK, CInt(option), &on, socklen_t(MemoryLayout<CInt>.size))
    }
  }

  package var descriptor: FileDescriptor { owned.borrowed }

  /// The sequence number for the next message.
  package func nextSequence() -> UInt32 {
    sequence += 1
    return sequence
  }

  package func send(_ bytes: [UInt8], intent: String) throws(NetlinkError) {
    let number = descriptor.rawValue
    let outcome = retrying { unsafe Glibc.send(number, bytes, bytes.count, 0) }
    if outcome.value < 0 { throw NetlinkError(intent, Errno(rawValue: outcome.errno)) }
  }

  /// The next datagram of the kernel.
  package func receive(intent: String) throws(NetlinkError) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let number = descriptor.rawValue
    let outcome = retrying { unsafe recv(number, &buffer, buffer.count, 0) }
    if outcome.value < 0 { throw NetlinkError(intent, Errno(rawValue: outcome.errno)) }
    return Array(buffer[..<outcome.value])
  }

  /// Sends several requests at once, each of which asks for an acknowledgement, and collects all of them.
  ///
  /// - Throws: the first refusal. The kernel carries out the others all the same.
  package func transact(_ requests: [NetlinkRequest]) throws(NetlinkError) {
    var bytes: [UInt8] = []
    var waiting: [UInt32: String] = [:]
    for request in requests {
      let number = nextSequence()
      waiting[number] = request.intent
      bytes += request.bytes(sequence: number, flags: UInt16(NLM_F_REQUEST | NLM_F_ACK))
    }
    let intent = requests.first?.intent ?? "netlink request"
    try send(bytes, intent: intent)
    var failure: NetlinkError?
    while !waiting.isEmpty {
      for answer in NetlinkAnswer.split(try receive(intent: intent)) {
        guard answer.type == UInt16(NLMSG_ERROR), let intent = waiting.removeValue(forKey: answer.sequence) else {
          continue
        }
        if answer.errorNumber != 0 && failure == nil {
          failure = NetlinkError(intent, Errno(rawValue: answer.errorNumber), kernelMessage: answer.kernelMessage)
        }
      }
    }
    if let failure { throw failure }
  }
}

/// A request that libnl has put together.
package struct NetlinkRequest {
  package let intent: String
  private let message: [UInt8]

  /// Takes the message over and frees it.
  @unsafe init(_ intent: String, consuming message: OpaquePointer) {
    self.intent = intent
    self.message = unsafe Self.bytes(of: message)
    unsafe nlmsg_free(message)
  }

  @unsafe private static func bytes(of message: OpaquePointer) -> [UInt8] {
    guard let header = unsafe nlmsg_hdr(message) else { return [] }
    let size = Int(unsafe header.pointee.nlmsg_len)
    let padded = (size + 3) & ~3
    var bytes = unsafe Array(UnsafeRawBufferPointer(start: header, count: size))
    bytes += [UInt8](repeating: 0, count: padded - size)
    return bytes
  }

  /// The message with its sequence number and additional flags filled in (netlink(7), struct nlmsghdr).
  func bytes(sequence: UInt32, flags: UInt16) -> [UInt8] {
    var bytes = message
    let old = UInt16(bytes[6]) | UInt16(bytes[7]) << 8
    for (index, byte) in [UInt8(truncatingIfNeeded: old | flags), UInt8((old | flags) >> 8)].enumerated() {
      bytes[6 + index] = byte
    }
    for index in 0..<4 { bytes[8 + index] = UInt8(truncatingIfNeeded: sequence >> (8 * UInt32(index))) }
    return bytes
  }
}

/// One message of the kernel.
package struct NetlinkAnswer {
  package let type: UInt16
  package let sequence: UInt32
  package let payload: ArraySlice<UInt8>

  /// The messages of one datagram.
  package static func split(_ bytes: [UInt8]) -> [NetlinkAnswer] {
    var answers: [NetlinkAnswer] = []
    var offset = 0
    while bytes.count - offset >= 16 {
      let length = Int(word(bytes, offset))
      guard length >= 16, offset + length <= bytes.count else { break }
      answers.append(
        NetlinkAnswer(
          type: UInt16(truncatingIfNeeded: word(bytes, offset + 4)), sequence: word(bytes, offset + 8),
          payload: bytes[(offset + 16)..<(offset + length)]))
      offset += (length + 3) & ~3
    }
    return answers
  }

  private static func word(_ bytes: some Collection<UInt8>, _ offset: Int) -> UInt32 {
    bytes.dropFirst(offset).prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The error number of an NLMSG_ERROR; 0 is an acknowledgement.
  package var errorNumber: CInt {
    payload.count >= 4 ? -CInt(bitPattern: Self.word(payload, 0)) : EBADMSG
  }

  /// The text attribute of an extended acknowledgement, which follows the header of the refused message.
  package var kernelMessage: String? {
    var rest = payload.dropFirst(4 + 16)
    while rest.count >= 4 {
      let header = Self.word(rest, 0)
      let length = Int(header & 0xffff)
      guard length >= 4, length <= rest.count else { return nil }
      if header >> 16 & 0x3fff == UInt32(NLMSGERR_ATTR_MSG.rawValue) {
        let text = rest.dropFirst(4).prefix(length - 4).prefix { $0 != 0 }
        return String(decoding: text, as: UTF8.self)
      }
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return nil
  }
}
