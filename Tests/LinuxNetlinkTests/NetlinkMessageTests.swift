import LinuxNetlink
import SystemPackage
import Testing

struct NetlinkMessageTests {
  @Test func isWhatTheKernelReads() throws {
    let message = try NetlinkMessage("try", type: 0x1234, flags: 0x400)
    message.append(UInt16(0x0201))
    message.put(1, "ab")
    message.nest(2) { message.put(3, network: 7) }
    let bytes = try message.bytes(sequence: 9, flags: 1)
    // Length, type, flags, sequence number, port.
    let header: [UInt8] = [40, 0, 0, 0, 0x34, 0x12, 1, 4, 9, 0, 0, 0, 0, 0, 0, 0]
    let payload: [UInt8] = [1, 2, 0, 0]  // padded
    let string: [UInt8] = [7, 0, 1, 0, 0x61, 0x62, 0, 0]  // with its zero, padded
    let nested: [UInt8] = [12, 0, 2, 0x80, 8, 0, 3, 0, 0, 0, 0, 7]  // the integer in network byte order
    #expect(bytes == header + payload + string + nested)
  }

  @Test func growsWhileAttributesAreOpen() throws {
    let message = try NetlinkMessage("grow", type: 16)
    message.nest(1) {
      message.nest(2) {
        for _ in 0..<1000 { message.put(3, [UInt8](repeating: 5, count: 32)) }
      }
    }
    let bytes = try message.bytes(sequence: 1, flags: 0)
    #expect(bytes.count == 16 + 4 + 4 + 1000 * 36)
    #expect(Array(bytes[16..<20]) == [0xa8, 0x8c, 1, 0x80])  // 36008
    #expect(Array(bytes[20..<24]) == [0xa4, 0x8c, 2, 0x80])
  }

  @Test func saysWhenANestIsTooLong() throws {
    let message = try NetlinkMessage("overfill", type: 16)
    message.nest(1) {
      for _ in 0..<70 { message.put(3, [UInt8](repeating: 5, count: 1000)) }
    }
    let error = #expect(throws: NetlinkError.self) { try message.bytes(sequence: 1, flags: 0) }
    #expect(error?.errno == .messageTooLong)
    #expect(error?.intent == "overfill")
  }
}

struct NetlinkReplyTests {
  /// An error message as the kernel sends it to a socket with NETLINK_CAP_ACK and NETLINK_EXT_ACK.
  private func errorMessage(flags: UInt8, echoed: [UInt8] = []) -> [UInt8] {
    let text = Array("no such thing".utf8) + [0]
    let attribute: [UInt8] = [UInt8(text.count + 4), 0, 1, 0] + text + [0, 0]
    let request: [UInt8] = [UInt8(16 + echoed.count), 0, 0, 0] + [UInt8](repeating: 0, count: 12) + echoed
    let payload: [UInt8] = [0xed, 0xff, 0xff, 0xff] + request + attribute
    return [UInt8(16 + payload.count), 0, 0, 0, 2, 0, 0, flags, 5, 0, 0, 0, 0, 0, 0, 0] + payload
  }

  @Test func keepsNumberAndText() throws {
    let replies = NetlinkReply.messages(in: errorMessage(flags: 0x03))
    #expect(replies.count == 1)
    let refusal = try #require(replies[0].refusal)
    #expect(replies[0].sequence == 5)
    #expect(refusal.errno == .noSuchDevice)
    #expect(refusal.text == "no such thing")
  }

  @Test func findsTheTextAfterAnEchoedRequest() throws {
    let replies = NetlinkReply.messages(in: errorMessage(flags: 0x02, echoed: [1, 2, 3, 4, 5, 6, 7, 8]))
    #expect(try #require(replies.first?.refusal).text == "no such thing")
  }

  @Test func endsAtWhatIsMalformed() {
    let whole = errorMessage(flags: 0x03)
    #expect(NetlinkReply.messages(in: whole + whole).count == 2)
    for cut in 0..<whole.count { #expect(NetlinkReply.messages(in: Array(whole[..<cut])).isEmpty) }
    #expect(NetlinkReply.messages(in: [UInt8](repeating: 0, count: 64)).isEmpty)
    // The attribute claims to be longer than the message: the number is there, the text is not.
    var lying = whole
    lying[36] = 200
    #expect(NetlinkReply.messages(in: lying).first?.refusal?.text == nil)
    #expect(NetlinkReply.messages(in: lying).first?.refusal?.errno == .noSuchDevice)
  }
}
