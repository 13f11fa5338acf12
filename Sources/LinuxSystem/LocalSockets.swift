import CLinuxShim
import Glibc
import SystemPackage

/// Sockets in the file system (unix(7)). Paths may be of any length: the last name is looked up in its directory.
package enum LocalSocket {
  /// A listening socket for messages that keep their boundaries. The file must not exist.
  package static func listen(_ name: String, in directory: FileDescriptor) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(owning: try checked("bind", on: name, unsafe stk_listen_unix(directory.rawValue, name)))
  }

  package static func connect(
    _ name: String, in directory: FileDescriptor, isStream: Bool = false
  ) throws(SystemCallError) -> OwnedDescriptor {
    OwnedDescriptor(
      owning: try checked("connect", on: name, unsafe stk_connect_unix(directory.rawValue, name, isStream ? 1 : 0)))
  }

  /// Connects to a stream socket at a path.
  package static func connect(to path: String) throws(SystemCallError) -> OwnedDescriptor {
    let slash = path.lastIndex(of: "/")
    let parent = slash.map { path[..<$0].isEmpty ? "/" : String(path[..<$0]) } ?? "."
    let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
    let directory = try Files.open(parent, O_PATH | O_DIRECTORY)
    return try connect(name, in: directory.borrowed, isStream: true)
  }

  /// Waits for a connection.
  package static func accept(_ socket: FileDescriptor) throws(SystemCallError) -> OwnedDescriptor {
    while true {
      let descriptor = stk_accept_unix(socket.rawValue)
      if descriptor == -EINTR { continue }
      return OwnedDescriptor(owning: try checked("accept", descriptor))
    }
  }
}
