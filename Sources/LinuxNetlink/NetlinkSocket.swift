import CLinuxShim
import CNetlink
import Glibc
import LinuxSystem
import SystemPackage

/// A netlink(7) socket of the network namespace in which it was opened, whichever its user is in later.
///
/// Knows bytes, sequence numbers, acknowledgements and dumps. libnl builds the messages but does not carry them, because
/// its sockets keep neither the kernel's error numbers nor its texts.
package final class NetlinkSocket {
  private let descriptor: OwnedDescriptor
  private var sequence: UInt32 = 0

  /// - Parameter family: NETLINK_ROUTE or another.
  package init(_ family: CInt) throws(NetlinkError) {
    let intent = "open a netlink socket"
    let number = Glibc.socket(AF_NETLINK, CInt(SOCK_RAW.rawValue) | CInt(SOCK_CLOEXEC.rawValue), family)
    if number < 0 { throw NetlinkError(intent, .latest) }
    descriptor = OwnedDescriptor(owning: number)
    // Texts with errors; errors without the request that the kernel would send back. Only better words are lost without.
    for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK] {
      var on: CInt = 1
      _ = unsafe setsockopt(number, SOL_NETLINK, option, &on, socklen_t(MemoryLayout<CInt>.size))
    }
    // Connected to the kernel: a message from any other process is refused to its sender.
    var kernel = sockaddr_nl()
    kernel.nl_family = sa_family_t(AF_NETLINK)
    let size = socklen_t(MemoryLayout<sockaddr_nl>.size)
    let result = unsafe withUnsafePointer(to: &kernel) { address in
      unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(number, $0, size) }
    }
    if result < 0 { throw NetlinkError(intent, .latest) }
  }

  /// The index of an interface of the socket's network namespace (netdevice(7)), without the lock that a message takes.
  /// - Returns: nil when there is none of this name.
  package func index(ofInterface name: String) throws(NetlinkError) -> Int32? {
    let intent = "look up interface \(name)"
    try InterfaceName.check(name, intent)
    let index = unsafe stk_interface_index(descriptor.borrowed.rawValue, name)
    if index == -ENODEV { return nil }
    if index < 0 { throw NetlinkError(intent, Errno(rawValue: -index)) }
    return index
  }

  /// What became of a message.
  package enum Answer {
    case acknowledged
    case reply(NetlinkReply)
    case refused(NetlinkError)
  }

  /// Sends messages in one system call and collects an answer to each. One that is refused does not keep the kernel from
  /// obeying those after it.
  ///
  /// - Returns: the answers in the order of the messages.
  package func exchange(_ messages: [NetlinkMessage]) throws(NetlinkError) -> [Answer] {
    guard let first = messages.first else { return [] }
    let start = try send(messages) { $0.isQuery ? 0 : NLM_F_ACK }
    var answers = [Answer?](repeating: nil, count: messages.count)
    var missing = messages.count
    while missing > 0 {
      for reply in NetlinkReply.messages(in: try receive(first.intent)) {
        let index = Int(reply.sequence &- start)
        guard index < messages.count, answers[index] == nil else { continue }
        answers[index] = answer(reply, to: messages[index])
        missing -= 1
      }
    }
    return answers.compactMap { $0 }
  }

  /// Like ``exchange(_:)``, for messages that must all succeed.
  ///
  /// - Throws: the error of the first that was refused.
  package func perform(_ messages: [NetlinkMessage]) throws(NetlinkError) {
    for case .refused(let error) in try exchange(messages) { throw error }
  }

  /// Sends messages that the kernel carries out together or not at all (NFNL_MSG_BATCH_BEGIN to NFNL_MSG_BATCH_END, which
  /// are the first and the last of them).
  ///
  /// - Throws: the error of the first that was refused.
  package func transact(_ messages: [NetlinkMessage]) throws(NetlinkError) {
    // The kernel answers to those it refuses, in order, and to the one before the end, which alone asks for it. What
    // concerns the whole transaction comes as the answer to its beginning, and then nothing else need come.
    let final = messages.count - 2
    guard final > 0 else { return }
    var index = -1
    let start = try send(messages) { _ in
      index += 1
      return index == final ? NLM_F_ACK : 0
    }
    var refusal: NetlinkError?
    while true {
      for reply in NetlinkReply.messages(in: try receive(messages[final].intent)) {
        let index = Int(reply.sequence &- start)
        guard index < messages.count else { continue }
        if case .refused(let error) = answer(reply, to: messages[index]), refusal == nil { refusal = error }
        if index != 0 && index != final { continue }
        if let refusal { throw refusal }
        return
      }
    }
  }

  /// All that the kernel tells in answer to a dump request.
  package func dump(_ message: NetlinkMessage) throws(NetlinkError) -> [NetlinkReply] {
    // A table that changed while it was told is told again; a machine that never rests is believed in the end.
    for _ in 0..<10 {
      let (replies, isWhole) = try dumpOnce(message)
      if isWhole { return replies }
    }
    return try dumpOnce(message).replies
  }

  private func dumpOnce(_ message: NetlinkMessage) throws(NetlinkError) -> (
    replies: [NetlinkReply], isWhole: Bool
  ) {
    let start = try send([message]) { _ in NLM_F_ROOT | NLM_F_MATCH }
    var replies: [NetlinkReply] = []
    var isWhole = true
    while true {
      for reply in NetlinkReply.messages(in: try receive(message.intent, measured: true))
      where reply.sequence == start {
        if reply.flags & UInt16(NLM_F_DUMP_INTR) != 0 { isWhole = false }
        if reply.type == UInt16(NLMSG_DONE) || reply.type == UInt16(NLMSG_ERROR) {
          if case .refused(let error) = answer(reply, to: message) { throw error }
          return (replies, isWhole)
        }
        replies.append(reply)
      }
    }
  }

  private func answer(_ reply: NetlinkReply, to message: NetlinkMessage) -> Answer {
    guard reply.type == UInt16(NLMSG_ERROR) || reply.type == UInt16(NLMSG_DONE) else { return .reply(reply) }
    guard let refusal = reply.refusal else { return .acknowledged }
    return .refused(NetlinkError(message.intent, refusal.errno, detail: refusal.text))
  }

  /// - Returns: the sequence number of the first message; each other has the one after its predecessor's.
  private func send(
    _ messages: [NetlinkMessage], flags: (NetlinkMessage) -> CInt
  ) throws(NetlinkError) -> UInt32 {
    let start = sequence &+ 1
    var bytes: [UInt8] = []
    for message in messages {
      sequence &+= 1
      bytes += try message.bytes(sequence: sequence, flags: NLM_F_REQUEST | flags(message))
      bytes += [UInt8](repeating: 0, count: -bytes.count & 3)
    }
    let number = descriptor.borrowed.rawValue
    while unsafe Glibc.send(number, bytes, bytes.count, 0) < 0 {
      let error = Errno.latest
      switch error {
      case .interrupted: continue
      case .messageTooLong where sendBuffer(atLeast: bytes.count): continue
      default: throw NetlinkError(messages.first?.intent ?? "send", error)
      }
    }
    return start
  }

  /// Makes room for a large transaction (socket(7) SO_SNDBUFFORCE).
  /// - Returns: whether there is more of it now than there was.
  private func sendBuffer(atLeast size: Int) -> Bool {
    let number = descriptor.borrowed.rawValue
    var current: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    guard unsafe getsockopt(number, SOL_SOCKET, SO_SNDBUF, &current, &length) == 0, Int(current) < size + 64
    else { return false }
    var wanted = CInt(clamping: size + 64)
    return unsafe setsockopt(number, SOL_SOCKET, SO_SNDBUFFORCE, &wanted, length) == 0
  }

  /// The next datagram.
  ///
  /// - Parameter measured: asks for its length first: what a dump tells can be of any.
  private func receive(_ intent: String, measured: Bool = false) throws(NetlinkError) -> [UInt8] {
    var size = 8192
    if measured {
      var nothing: [UInt8] = []
      size = try receive(intent, flags: CInt(MSG_PEEK) | CInt(MSG_TRUNC), into: &nothing)
    }
    var buffer = [UInt8](repeating: 0, count: size)
    let count = try receive(intent, flags: CInt(MSG_TRUNC), into: &buffer)
    if count > size { throw NetlinkError(intent, .messageTooLong) }
    buffer.removeLast(size - count)
    return buffer
  }

  private func receive(_ intent: String, flags: CInt, into buffer: inout [UInt8]) throws(NetlinkError) -> Int {
    while true {
      let count = unsafe recv(descriptor.borrowed.rawValue, &buffer, buffer.count, flags)
      if count >= 0 { return count }
      if errno != EINTR { throw NetlinkError(intent, .latest) }
    }
  }
}
