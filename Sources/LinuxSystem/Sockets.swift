import CLinuxShim
import Glibc
import SystemPackage

/// Sockets of the internet protocols. IPv4 addresses are numbers in host byte order.
package enum Socket {
  /// Where a datagram came from.
  package struct Peer: Sendable, Hashable {
    package let address: UInt32
    package let port: UInt16

    package init(address: UInt32, port: UInt16) {
      self.address = address
      self.port = port
    }
  }

  /// A non-blocking socket on an address that the machine need not have yet.
  package static func serve(
    address: UInt32, port: UInt16, isStream: Bool
  ) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      owning: try checked("bind", on: "port \(port)", stk_serve_ipv4(address, port, isStream ? 1 : 0)))
  }

  /// The next datagram; nil when there is none now, or it cannot be read.
  package static func receive(
    from socket: FileDescriptor, into buffer: inout [UInt8]
  ) -> (count: Int, peer: Peer)? {
    var address: UInt32 = 0
    var port: UInt16 = 0
    let count = unsafe stk_receive_from(socket.rawValue, &buffer, buffer.count, &address, &port)
    return count < 0 ? nil : (count, Peer(address: address, port: port))
  }

  /// Sends a datagram; one that cannot be sent now is lost, as datagrams are.
  package static func send(_ bytes: [UInt8], over socket: FileDescriptor, to peer: Peer) {
    _ = unsafe stk_send_to(socket.rawValue, bytes, bytes.count, peer.address, peer.port)
  }

  /// The next connection to a listening socket, blocking; nil when there is none now.
  package static func accept(_ socket: FileDescriptor) -> (connection: SharedDescriptor, address: UInt32)? {
    var address: UInt32 = 0
    let descriptor = unsafe stk_accept_ipv4(socket.rawValue, &address)
    return descriptor < 0 ? nil : (SharedDescriptor(OwnedDescriptor(owning: descriptor)), address)
  }

  /// A socket connected to an address in text form, IPv4 or IPv6.
  /// - Parameter milliseconds: for connecting, and for each later call; nil waits for ever.
  package static func connect(
    to address: String, port: UInt16, isStream: Bool, milliseconds: Int? = nil
  ) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      owning: try checked(
        "connect", on: "\(address) port \(port)",
        unsafe stk_connect(address, port, isStream ? 1 : 0, CInt(clamping: milliseconds ?? 0))))
  }

  package static func setTimeouts(_ socket: FileDescriptor, milliseconds: Int) throws(SystemCallError) {
    try checked("setsockopt", stk_set_timeouts(socket.rawValue, CInt(clamping: milliseconds)))
  }
}
