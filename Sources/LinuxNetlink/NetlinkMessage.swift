import CNetlink
import Glibc
import SystemPackage

/// A netlink message that is being built (libnl's `nl_msg`), and what it is for.
///
/// Attributes can be added without a `try` each: what does not fit is remembered, and reported when the message is sent.
@safe package final class NetlinkMessage {
  /// What the message asks for, in the words of an error.
  package let intent: String
  /// Whether the kernel answers with data; otherwise it acknowledges.
  let isQuery: Bool
  private let pointer: OpaquePointer
  private var failure: Errno?

  /// A message without payload.
  ///
  /// - Parameters:
  ///   - flags: NLM_F_* beyond NLM_F_REQUEST and NLM_F_ACK, which are set when the message is sent.
  ///   - query: whether the kernel answers with data.
  package init(_ intent: String, type: some BinaryInteger, flags: CInt = 0, query: Bool = false)
    throws(NetlinkError)
  {
    guard let message = unsafe nlmsg_alloc_size(512) else { throw NetlinkError(intent, .noMemory) }
    unsafe pointer = message
    self.intent = intent
    isQuery = query
    unsafe nlmsg_put(message, 0, 0, CInt(type), 0, flags)
  }

  /// Takes over a message that libnl-route built.
  ///
  /// - Parameter build: returns libnl's error code, negative, or leaves the message in its argument.
  @unsafe init(_ intent: String, building build: (inout OpaquePointer?) -> CInt) throws(NetlinkError) {
    var built: OpaquePointer?
    let code = unsafe build(&built)
    guard code >= 0, let message = unsafe built else {
      throw NetlinkError(intent, .invalidArgument, detail: unsafe String(cString: nl_geterror(code)))
    }
    unsafe pointer = message
    self.intent = intent
    isQuery = false
  }

  deinit {
    unsafe nlmsg_free(pointer)
  }

  /// Appends a structure of the kernel's interface, padded.
  package func append<Value: BitwiseCopyable>(_ value: Value) {
    var copy = value
    unsafe withUnsafeMutableBytes(of: &copy) { bytes in
      insist { unsafe nlmsg_append(pointer, bytes.baseAddress, bytes.count, CInt(NLMSG_ALIGNTO)) }
    }
  }

  package func put(_ attribute: some BinaryInteger, _ bytes: [UInt8]) {
    unsafe bytes.withUnsafeBytes { bytes in
      insist { unsafe nla_put(pointer, CInt(attribute), CInt(bytes.count), bytes.baseAddress) }
    }
  }

  /// A string with its terminating zero.
  package func put(_ attribute: some BinaryInteger, _ text: String) {
    put(attribute, Array(text.utf8) + [0])
  }

  /// An integer in the byte order of the machine, as rtnetlink has them.
  package func put(_ attribute: some BinaryInteger, native value: UInt32) {
    put(attribute, unsafe withUnsafeBytes(of: value) { unsafe Array($0) })
  }

  /// An integer in network byte order, as nfnetlink has them.
  package func put(_ attribute: some BinaryInteger, network value: UInt32) {
    put(attribute, native: value.bigEndian)
  }

  /// Puts what `body` adds into a nested attribute; one that stays empty is put as well.
  package func nest(_ attribute: some BinaryInteger, _ body: () -> Void) {
    // As an offset: the message may move when it grows.
    let start = length
    put(Int(attribute) | Int(NLA_F_NESTED), [])
    body()
    guard failure == nil else { return }
    unsafe withHeader { header in
      let nested = unsafe UnsafeMutableRawPointer(header).advanced(by: start).assumingMemoryBound(to: nlattr.self)
      if unsafe nla_nest_end_keep_empty(pointer, nested) < 0 { failure = .messageTooLong }
    }
  }

  /// Bytes so far, with the header.
  package var length: Int {
    Int(unsafe withHeader { unsafe $0.pointee.nlmsg_len })
  }

  /// The message as it is sent.
  ///
  /// - Parameter flags: added to those of the header.
  package func bytes(sequence: UInt32, flags: CInt) throws(NetlinkError) -> [UInt8] {
    if let failure { throw NetlinkError(intent, failure, detail: "the message cannot be built") }
    return unsafe withHeader { header in
      unsafe header.pointee.nlmsg_seq = sequence
      unsafe header.pointee.nlmsg_flags |= UInt16(flags)
      return unsafe Array(UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len)))
    }
  }

  private func withHeader<Result>(_ body: (UnsafeMutablePointer<nlmsghdr>) -> Result) -> Result {
    unsafe body(nlmsg_hdr(pointer))
  }

  /// Calls a function of libnl that adds to the message, with more and more room.
  private func insist(_ function: () -> CInt) {
    while failure == nil && function() < 0 {
      let size = unsafe nlmsg_get_max_size(pointer) * 2
      let isTooLong = size > 1 << 22
      if isTooLong || (unsafe nlmsg_expand(pointer, size)) < 0 { failure = .messageTooLong }
    }
  }
}
