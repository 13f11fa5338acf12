import Glibc
import LinuxSystem
import StackEngine
import StackLogs
import StackStore
import SystemPackage

/// Takes what the hooks of a container write into its log: a socket in the container's directory, that of containers with hooks
/// alone. Each message is a part of one stream, whose number comes first.
final class HookDoor {
  private let socket: OwnedDescriptor
  private var connections: [SharedDescriptor] = []

  init(_ container: ContainerDirectory) throws(SystemCallError) {
    let directory = try Files.open(container.path, O_PATH | O_DIRECTORY)
    // Of the container's last run.
    try Files.removeFile(ContainerDirectory.hooksName, in: directory.borrowed)
    socket = try LocalSocket.listen(ContainerDirectory.hooksName, in: directory.borrowed)
  }

  /// Readable when there is something to take.
  var descriptors: [FileDescriptor] { [socket.borrowed] + connections.map(\.borrowed) }

  /// Takes all that there is now.
  func take(into log: inout LogWriter) {
    while let connection = LocalSocket.accept(socket.borrowed) { connections.append(SharedDescriptor(connection)) }
    var open: [SharedDescriptor] = []
    for connection in connections where Self.take(from: connection, into: &log) { open.append(connection) }
    connections = open
  }

  /// - Returns: whether more may come.
  private static func take(from connection: SharedDescriptor, into log: inout LogWriter) -> Bool {
    while (try? Polling.readable([connection.borrowed], milliseconds: 0))?.first == true {
      // A connection that cannot be read has no more to say.
      guard let message = try? Message.receive(over: connection.borrowed, limit: 8 << 10), let first = message.first,
        let stream = LogStream(rawValue: first)
      else { return false }
      log.append(Array(message.dropFirst()), to: stream)
    }
    return true
  }
}
