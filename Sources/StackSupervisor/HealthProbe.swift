import Glibc
import IsolationEngine
import LinuxSystem
import StackEngine
import StackLogs
import StackModel
import StackStore
import SystemPackage

/// One check of a container that is being made, in a process of its own: whatever it waits for, the supervisor does not.
final class HealthProbe {
  /// What is kept of its output.
  private static let outputLimit = 4096
  /// How the process ends when its check took too long, and when it could not be made: a command that is the check can have
  /// any exit status, and is another process.
  private static let tookTooLong = SIGALRM
  private static let couldNotBeMade = SIGUSR1

  let run: Int
  let process: ProcessHandle
  private let output: SharedDescriptor
  /// When the process is ended, if it does not end by itself.
  let deadline: UInt64

  init(run: Int, process: ProcessHandle, output: SharedDescriptor, deadline: UInt64) {
    self.run = run
    self.process = process
    self.output = output
    self.deadline = deadline
  }

  /// What a check looks at.
  struct Target {
    let directory: ContainerDirectory
    let record: ContainerRecord
    let run: RunRecord
  }

  /// Starts a check.
  /// - Parameter timeout: nanoseconds.
  static func start(_ probe: HealthCheck.Probe, of target: Target, timeout: UInt64) throws -> HealthProbe {
    let (reading, writing) = try DescriptorPair.pipe().split()
    guard let child = try ClonedProcess.clone(0) else {
      // The lock is the supervisor's alone; and what it started ends with it.
      close(SupervisorProcess.lockDescriptor)
      ParentDeath.follow()
      HealthProbe.make(probe, target, output: writing.borrowed, timeout: timeout)
    }
    // The process ends its check itself; this is for one that cannot.
    return HealthProbe(
      run: target.run.run, process: child.handle, output: reading,
      deadline: KernelClock.monotonic &+ timeout &+ 1_000_000_000)
  }

  /// Ends the check without an outcome.
  func cancel() {
    try? process.signal(SIGKILL)
    _ = try? process.reap()
  }

  /// How the check ended; to be called once its process has. It has been missed when it could not be made.
  func outcome() -> (check: LifeRecord.Check, wasMissed: Bool) {
    let status = (try? process.reap()) ?? .signalled(Self.tookTooLong)
    // The pipe may still be held by what the check left behind: what is there now is all.
    var text: [UInt8] = []
    while text.count < Self.outputLimit, (try? Polling.readable([output.borrowed], milliseconds: 0))?.first == true,
      let bytes = try? Files.readOnce(output.borrowed, limit: Self.outputLimit), !bytes.isEmpty
    {
      text += bytes
    }
    let isLate = status == .signalled(Self.tookTooLong) || status == .signalled(SIGKILL)
    let wasMissed = status == .signalled(Self.couldNotBeMade)
    let words = String(decoding: text.prefix(Self.outputLimit), as: UTF8.self)
    let check = LifeRecord.Check(
      succeeded: status == .exited(0), exitCode: isLate || wasMissed ? -1 : status.code,
      output: isLate && words.isEmpty ? "the check took too long" : words, endedAt: KernelClock.realtime)
    return (check, wasMissed)
  }

  /// Whether a check was not made for want of descriptors or memory, which are not the service's.
  static func isShortage(_ error: any Error) -> Bool {
    switch error {
    case let error as SystemCallError: error.isShortage
    case let error as LaunchError: error.isShortage
    default: false
    }
  }

  // MARK: In the process of the check

  private static func make(
    _ probe: HealthCheck.Probe, _ target: Target, output: FileDescriptor, timeout: UInt64
  ) -> Never {
    let milliseconds = Int(clamping: timeout / 1_000_000)
    do {
      switch probe {
      case .command(let words): try execute(words, target, output, milliseconds)
      case .shell(let line): try execute(["/bin/sh", "-c", line], target, output, milliseconds)
      case .tcp(let port): _ = try NetworkProbe(target).connect(port: port, milliseconds: milliseconds)
      case .http(let request): try NetworkProbe(target).request(request, milliseconds: milliseconds)
      case .log(let pattern): try waitForLine(pattern, target, milliseconds)
      case .file(let path): try find(path, target)
      }
      _exit(0)
    } catch {
      // Best effort: without the words the exit status still tells.
      try? Files.writeAll(output, "\(error)".utf8)
      if isShortage(error) { end(by: couldNotBeMade) }
      if case let error as SystemCallError = error, error.errno == .wouldBlock || error.errno == .timedOut {
        end(by: tookTooLong)
      }
      _exit(1)
    }
  }

  private static func end(by number: CInt) -> Never {
    signal(number, SIG_DFL)
    raise(number)
    _exit(1)
  }

  private static func execute(
    _ command: [String], _ target: Target, _ output: FileDescriptor, _ milliseconds: Int
  ) throws {
    let specification = try target.directory.specification()
    let process = specification.process.executing(command)
    let null = try Files.open("/dev/null", O_RDONLY)
    let program = try ContainerExec(specification, initProcess: target.run.process, process: process)
      .start(.init(input: null.borrowed, output: output, error: output))
    if !program.waitForEnd(milliseconds: milliseconds) {
      try program.signal(SIGKILL)
      end(by: tookTooLong)
    }
    _exit(try program.reap().code)
  }

  /// Waits for a line of this run's output: told by the kernel, not by looking again.
  private static func waitForLine(_ pattern: String, _ target: Target, _ milliseconds: Int) throws {
    let expression = try RegularExpression(pattern)
    let deadline = KernelClock.monotonic &+ UInt64(milliseconds) &* 1_000_000
    try Files.makeDirectories(target.directory.logs)
    var follower = try LogFollower()
    _ = try follower.add(directory: target.directory.logs, selection: LogSelection(since: target.run.startedAt))
    while true {
      while let line = try follower.next() {
        if line.line.stream != .notice, expression.matches(line.line.bytes) { return }
      }
      let now = KernelClock.monotonic
      if now >= deadline { throw SystemCallError("wait", on: "a line that matches \"\(pattern)\"", .timedOut) }
      _ = try Polling.readable([follower.descriptor], milliseconds: Int(clamping: (deadline - now) / 1_000_000 + 1))
    }
  }

  private static func find(_ path: String, _ target: Target) throws {
    let root = try target.run.process.openRoot()
    _ = try Files.open(path, below: root.borrowed, [.inRoot, .noMagicLinks], O_PATH)
  }
}
