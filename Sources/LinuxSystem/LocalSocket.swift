import CLinuxShim
import Glibc
import SystemPackage

/// Sockets that have a name in a directory, and keep message boundaries (unix(7), SOCK_SEQPACKET).
package enum LocalSocket {
  /// Listens under a name, which is made anew. The length of the directory's path does not matter.
  package static func listen(_ name: String, in directory: String) throws(SystemCallError) -> OwnedDescriptor {
    let opened = try Files.open(directory, O_PATH | O_DIRECTORY)
    try Files.removeFile(name, in: opened.borrowed)
    return OwnedDescriptor(
      owning: try checked("listen", on: name, unsafe stk_listen_local(opened.borrowed.rawValue, name)))
  }

  /// The next connection; nil when there is none now.
  package static func accept(_ socket: FileDescriptor) -> OwnedDescriptor? {
    let descriptor = stk_accept(socket.rawValue)
    return descriptor < 0 ? nil : OwnedDescriptor(owning: descriptor)
  }

  package static func connect(_ name: String, in directory: String) throws(SystemCallError) -> OwnedDescriptor {
    let opened = try Files.open(directory, O_PATH | O_DIRECTORY)
    return OwnedDescriptor(
      owning: try checked("connect", on: name, unsafe stk_connect_local(opened.borrowed.rawValue, name)))
  }
}
