import CLinuxShim
import Glibc
import LinuxSeccomp
import LinuxSystem
import SystemPackage

/// A process beside a container that lets its system calls go on and writes down which they are.
///
/// It ends with the last process of the container, and must not end before: calls that nobody answers fail.
struct CallRecorder {
  /// Where the container's process sends its listener.
  let socket: SharedDescriptor
  /// A child of the caller.
  let process: ProcessHandle

  /// - Parameter path: the file that the calls are in, as `RecordedCalls`, when the process has ended.
  init(writing path: String) throws(SystemCallError) {
    let (own, socket) = try DescriptorPair.messageSockets().split()
    guard let child = try ClonedProcess.clone(0) else {
      socket.close()
      Self.record(own.borrowed, to: path)
    }
    self.socket = socket
    process = child.handle
  }

  private static func record(_ socket: FileDescriptor, to path: String) -> Never {
    do {
      ProcessTitle.set("stack calls")
      guard let listener = try Message.receiveWithDescriptor(over: socket)?.descriptor else { _exit(1) }
      // What others wait for the end of must not be open here.
      let number = try checkedErrno("dup2", dup2(listener.borrowed.rawValue, 3))
      try checked("close_range", stk_close_range(4, .max, 0))
      let calls = try heard(on: number)
      try Files.replace(path, with: calls.wireBytes)
      _exit(0)
    } catch {
      _exit(1)
    }
  }

  private static func heard(on listener: CInt) throws -> RecordedCalls {
    var calls = RecordedCalls()
    while true {
      var poll = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
      if unsafe Glibc.poll(&poll, 1, -1) < 0 { continue }
      // Without a process that has the filter there is nothing to come.
      if Int32(poll.revents) & POLLIN == 0 { return calls }
      var id: UInt64 = 0
      var (architecture, number): (UInt32, UInt32) = (0, 0)
      // A process that was killed meanwhile has nothing to ask any more.
      guard unsafe stk_seccomp_receive(listener, &id, &architecture, &number) == 0 else { continue }
      calls.calls.insert(.init(architecture: architecture, number: number))
      _ = stk_seccomp_continue(listener, id)
    }
  }
}
