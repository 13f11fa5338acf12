import Glibc
import LinuxSystem
import StackStore
import SystemPackage

/// Gives the standard input of a container to whoever attaches to it: a socket in the container's directory, that of containers
/// with an open input alone. What the container writes is read from its log, by attached users as by all others.
final class AttachDoor {
  private let socket: OwnedDescriptor
  private let input: SharedDescriptor

  init(_ container: ContainerDirectory, input: SharedDescriptor) throws(SystemCallError) {
    self.input = input
    let directory = try Files.open(container.path, O_PATH | O_DIRECTORY)
    // Of the container's last run.
    try Files.removeFile(ContainerDirectory.attachName, in: directory.borrowed)
    socket = try LocalSocket.listen(ContainerDirectory.attachName, in: directory.borrowed)
  }

  /// Readable when somebody waits.
  var descriptor: FileDescriptor { socket.borrowed }

  /// Hands the input over to one who waits.
  func open() {
    guard let connection = LocalSocket.accept(socket.borrowed) else { return }
    // Best effort: who has gone away does not need it.
    try? Message.send([0], with: input.borrowed, over: connection.borrowed)
  }
}
