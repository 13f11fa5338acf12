import Glibc
import IsolationEngine
import LinuxMounts
import LinuxSystem
import StackStore
import SystemPackage

/// Executes one command in a running container: `stack hook`, a process of this program on a file that no container can
/// write to (`OwnProgram`), for commands that are executed from a file that one could.
package struct HookProcess {
  /// The descriptors that the process is given.
  private enum Descriptor {
    /// The request.
    static let request: CInt = 3
    /// The program itself, as it is executed.
    static let program: CInt = 4
  }

  /// What is to be executed.
  struct Request {
    let container: ContainerDirectory
    let initProcess: ProcessIdentity
    let process: ProcessSpecification
    let isPrivileged: Bool
    /// Milliseconds, after which it is killed; negative is no limit.
    let limit: Int
  }

  /// Executes the command, whose output goes into the container's log, and waits for it.
  /// - Returns: its exit status, as a shell reports it, and the last lines that it wrote.
  static func run(_ request: Request) throws(SystemCallError) -> (code: CInt, lastLines: [String]) {
    let memory = try Files.memory(named: "hook")
    try Files.write(memory.borrowed, at: 0, request.wireBytes)
    let null = try Files.open("/dev/null", O_RDONLY)
    let (output, outputEnd) = try DescriptorPair.pipe().split()
    let (errors, errorsEnd) = try DescriptorPair.pipe().split()
    // In a session of its own: signals of the terminal are the caller's.
    let pid = try OwnProgram.start(
      ["hook"], as: Descriptor.program,
      descriptors: [
        0: null.borrowed, 1: outputEnd.borrowed, 2: errorsEnd.borrowed, Descriptor.request: memory.borrowed,
      ])
    outputEnd.close()
    errorsEnd.close()
    let process = try ProcessHandle(pid: pid)
    var relay = HookOutput(request.container)
    try relay.take(from: process, output: output, errors: errors)
    return (try process.reap().code, relay.lastLines)
  }

  /// The main function of the process.
  package static func main() -> Never {
    close(Descriptor.program)
    do {
      let file = FileDescriptor(rawValue: Descriptor.request)
      let request = try Request(wireBytes: try Files.readAll(file, object: "request"))
      close(Descriptor.request)
      _exit(try execute(request))
    } catch {
      // Best effort: the exit status tells as well.
      try? Files.writeAll(.standardError, "\(error)\n".utf8)
      // As a shell would: 126 or 127.
      _exit((error as? LaunchError)?.exitCode ?? 125)
    }
  }

  private static func execute(_ request: Request) throws -> CInt {
    let specification = try request.container.specification()
    var exec = ContainerExec(specification, initProcess: request.initProcess, process: request.process)
    exec.isPrivileged = request.isPrivileged
    let program = try exec.start(.init(input: .standardInput, output: .standardOutput, error: .standardError))
    if !program.waitForEnd(milliseconds: request.limit) { try program.signal(SIGKILL) }
    return try program.reap().code
  }
}

extension HookProcess.Request: WireCodable {
  init(from reader: inout WireReader) throws(WireError) {
    self.init(
      container: ContainerDirectory(path: try reader.value(), logs: try reader.value()),
      initProcess: try reader.value(), process: try reader.value(), isPrivileged: try reader.value(),
      limit: try reader.value())
  }
  func write(to writer: inout WireWriter) {
    writer.value(container.path)
    writer.value(container.logs)
    writer.value(initProcess)
    writer.value(process)
    writer.value(isPrivileged)
    writer.value(limit)
  }
}
