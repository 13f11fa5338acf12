import CLinuxShim
import Glibc
import SystemPackage

/// Sockets that have a name in a directory (unix(7)). The length of the directory's path does not matter.
package enum LocalSocket {
  /// Listens, without waiting, for connections that keep message boundaries (SOCK_SEQPACKET). The name must be free.
  package static func listen(_ name: String, in directory: FileDescriptor) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(owning: try checked("listen", on: name, unsafe stk_listen_local(directory.rawValue, name)))
  }

  /// A socket for datagrams, read without waiting, which everybody may send to who sees it. The name must be free.
  package static func bind(_ name: String, in directory: FileDescriptor) throws(SystemCallError) -> OwnedDescriptor {
    let number = try checked("bind", on: name, unsafe stk_bind_local(directory.rawValue, name))
    let socket = OwnedDescriptor(owning: number)
    try checkedErrno("chmod", on: name, unsafe fchmodat(directory.rawValue, name, 0o666, 0))
    return socket
  }

  /// Sends a datagram.
  /// - Parameter name: a path, or an abstract name with an `@` before it.
  package static func send(_ bytes: [UInt8], to name: String) throws(SystemCallError) {
    let sent = unsafe stk_send_local(name, bytes, bytes.count)
    try checked("sendto", on: name, CInt(clamping: sent))
  }

  /// The next connection; nil when there is none now.
  package static func accept(_ socket: FileDescriptor) -> OwnedDescriptor? {
    let descriptor = stk_accept(socket.rawValue)
    return descriptor < 0 ? nil : OwnedDescriptor(owning: descriptor)
  }

  /// Waits for a connection.
  package static func nextConnection(_ socket: FileDescriptor) throws(SystemCallError) -> OwnedDescriptor {
    while true {
      if let connection = accept(socket) { return connection }
      _ = try Polling.readable([socket], milliseconds: -1)
    }
  }

  /// - Parameter isStream: whether it is a SOCK_STREAM socket, and not one that keeps message boundaries.
  package static func connect(
    _ name: String, in directory: FileDescriptor, isStream: Bool = false
  ) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      owning: try checked("connect", on: name, unsafe stk_connect_local(directory.rawValue, name, isStream ? 1 : 0)))
  }

  /// Connects to a stream socket at a path.
  package static func connect(to path: String) throws(SystemCallError) -> OwnedDescriptor {
    let slash = path.lastIndex(of: "/")
    let parent = slash.map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let directory = try Files.open(parent, O_PATH | O_DIRECTORY)
    return try connect(name, in: directory.borrowed, isStream: true)
  }
}
