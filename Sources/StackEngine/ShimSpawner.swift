import Glibc
import LinuxMounts
import LinuxSystem
import StackStore
import SystemPackage

/// Starts shims, one process a container, by way of a process of this very program that makes them: `stack shims`.
///
/// That process is executed once and forks a shim for each request: a fork costs a fraction of an execve(2), and what it has
/// found out about the machine, all its shims know. It ends with the spawner, and until then holds the project's lock too:
/// when the spawner is killed, nobody else works on the project before the last shim that was begun can be found.
package final class ShimSpawner {
  /// The descriptors that the process is given.
  package enum Descriptor {
    /// The socket of the requests (`ShimRequest`).
    package static let requests: CInt = 3
    /// The program itself, as it is executed.
    package static let program: CInt = 4
    /// The lock of the project, or of the one container that is started.
    package static let lock: CInt = 5
  }

  private let requests: SharedDescriptor
  private let pid: pid_t

  /// - Parameter lock: an open file that is locked, the project's or the container's.
  /// - Throws: when the program's own file cannot be opened or executed.
  package init(_ lock: FileDescriptor, for project: ProjectDirectory) throws(SystemCallError) {
    let null = try Files.open("/dev/null", O_RDWR)
    let (own, other) = try DescriptorPair.messageSockets().split()
    requests = own
    pid = try OwnProgram.start(
      ["shims", project.path], as: Descriptor.program,
      descriptors: [
        0: null.borrowed, 1: null.borrowed, 2: null.borrowed, Descriptor.requests: other.borrowed,
        Descriptor.lock: lock,
      ])
  }

  deinit {
    requests.close()
    // It ends when it sees the end of the requests.
    var status: CInt = 0
    _ = unsafe waitpid(pid, &status, 0)
  }

  /// Has a shim started for a container whose specification is written.
  ///
  /// - Parameter reservations: held as long as the shim lives.
  /// - Parameter streams: the container's standard input, output and error with `.given`.
  /// - Returns: where the shim reports (`ShimMessage`); its end without a report is the shim's.
  package func spawn(
    for container: ContainerDirectory, holding reservations: [PortReservation], _ kind: ContainerStreams = .log,
    _ streams: [FileDescriptor] = []
  ) throws(SystemCallError) -> SharedDescriptor {
    let (channel, shimEnd) = try DescriptorPair.messageSockets().split()
    let request = ShimRequest(
      directory: container.path, logs: container.logs, reservations: UInt32(reservations.count),
      streams: kind)
    do throws(SystemCallError) {
      try Message.send(request.wireBytes, with: shimEnd.borrowed, over: requests.borrowed)
      for reservation in reservations {
        try Message.send([0], with: reservation.socket.borrowed, over: requests.borrowed)
      }
      for stream in streams { try Message.send([0], with: stream, over: requests.borrowed) }
    } catch  where error.errno == .brokenPipe || error.errno == .connectionReset {
      // It is gone: the channel ends without a report, as that of a shim does, and the reason is asked for then.
    }
    return channel
  }

  /// Why the channel of a container's shim has ended without a report, as far as that can be found out.
  package func reasonOfSilence(about container: ContainerDirectory) -> String {
    // Best effort: a record that cannot be read tells nothing. That of an earlier run has the start of its program.
    if let run = try? container.read(.run), run.started == nil, (try? run.shim.isAlive) == false {
      return "its shim (pid \(run.shim.pid)) was killed before the program ran"
    }
    // Our own child, which nobody has waited for: the number is still its. Its descriptors close before it can be waited for.
    guard let maker = try? ProcessHandle(pid: pid), maker.waitForEnd(milliseconds: 200), let status = try? maker.reap()
    else { return "its shim was killed" }
    let words = (try? Message.receive(over: requests.borrowed)).flatMap { $0 }
    let reason = words.map { ": \(String(decoding: $0, as: UTF8.self))" } ?? ""
    return "the process that makes shims (stack shims, pid \(pid)) has ended: \(status)\(reason)"
  }
}
