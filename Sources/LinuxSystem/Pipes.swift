import CLinuxShim
import Glibc
import SystemPackage

/// Both ends of a pipe or of a socket pair.
package struct DescriptorPair: ~Copyable, Sendable {
  /// The read end, or one end of a socket pair.
  package let first: OwnedDescriptor
  /// The write end, or the other end of a socket pair.
  package let second: OwnedDescriptor

  private init(_ numbers: [CInt]) {
    first = OwnedDescriptor(owning: numbers[0])
    second = OwnedDescriptor(owning: numbers[1])
  }

  /// pipe2(2), close-on-exec.
  package static func pipe() throws(SystemCallError) -> DescriptorPair {
    var numbers: [CInt] = [-1, -1]
    try checked("pipe2", unsafe stk_pipe(&numbers))
    return DescriptorPair(numbers)
  }

  /// A pair of connected sockets that keep message boundaries (unix(7), SOCK_SEQPACKET), close-on-exec.
  package static func messageSockets() throws(SystemCallError) -> DescriptorPair {
    var numbers: [CInt] = [-1, -1]
    let type = CInt(SOCK_SEQPACKET.rawValue) | CInt(SOCK_CLOEXEC.rawValue)
    try checkedErrno("socketpair", unsafe socketpair(AF_UNIX, type, 0, &numbers))
    return DescriptorPair(numbers)
  }

  package consuming func split() -> (first: SharedDescriptor, second: SharedDescriptor) {
    (SharedDescriptor(first), SharedDescriptor(second))
  }
}

/// Messages over a socket pair.
package enum Message {
  /// Sends one message, with a descriptor if there is one.
  package static func send(
    _ bytes: [UInt8], with descriptor: FileDescriptor? = nil, over socket: FileDescriptor
  ) throws(SystemCallError) {
    while true {
      let sent = unsafe stk_send(socket.rawValue, bytes, bytes.count, descriptor?.rawValue ?? -1)
      if sent == -Int(EINTR) { continue }
      try checked("sendmsg", sent)
      return
    }
  }

  /// Receives one message; nil when the other end is closed.
  package static func receive(
    over socket: FileDescriptor, limit: Int = 64 << 10
  ) throws(SystemCallError) -> [UInt8]? {
    try receiveWithDescriptor(over: socket, limit: limit)?.bytes
  }

  /// Receives one message and the descriptor that came with it; nil when the other end is closed.
  package static func receiveWithDescriptor(
    over socket: FileDescriptor, limit: Int = 64 << 10
  ) throws(SystemCallError) -> (bytes: [UInt8], descriptor: SharedDescriptor?)? {
    var buffer = [UInt8](repeating: 0, count: limit)
    while true {
      var passed: CInt = -1
      let count = unsafe stk_receive(socket.rawValue, &buffer, buffer.count, &passed)
      // A reset is reported once, before what is still queued: the other end closed with something unread.
      if count == -Int(EINTR) || count == -Int(ECONNRESET) { continue }
      let descriptor = passed >= 0 ? SharedDescriptor(OwnedDescriptor(owning: passed)) : nil
      try checked("recvmsg", count)
      return count == 0 ? nil : (Array(buffer[..<count]), descriptor)
    }
  }
}
