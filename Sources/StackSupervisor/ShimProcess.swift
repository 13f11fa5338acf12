import Glibc
import IsolationEngine
import LinuxSystem
import StackEngine
import StackLogs
import StackStore
import SystemPackage

/// The process that keeps one container: `stack shim DIRECTORY LOGS`.
///
/// It starts the container, writes its log, waits for it, writes how it ended, and ends. It is single-threaded, knows nothing
/// of other containers, and needs nobody: the container dies with it, never the other way round.
package struct ShimProcess {
  private let directory: ContainerDirectory
  private let channel = FileDescriptor(rawValue: ShimSpawner.Descriptor.channel)

  private init(directory: ContainerDirectory) {
    self.directory = directory
  }

  /// The main function of a shim.
  /// - Parameter arguments: the container's directory and that of its logs.
  package static func main(_ arguments: [String]) -> Never {
    guard arguments.count == 2 else { exit(2) }
    close(ShimSpawner.Descriptor.program)
    let shim = ShimProcess(directory: ContainerDirectory(path: arguments[0], logs: arguments[1]))
    do {
      try shim.run()
      exit(0)
    } catch let error as LaunchError {
      shim.report(.failed(step: error.step, reason: error.reason, exitCode: error.exitCode))
    } catch {
      shim.report(.failed(step: "start", reason: "\(error)", exitCode: 125))
    }
    exit(1)
  }

  private func report(_ message: ShimMessage) {
    // Best effort: whoever spawned this shim may be gone, and the records say the same.
    try? Message.send(message.wireBytes, over: channel)
  }

  private func run() throws {
    let bytes = try directory.readSpecification()
    // Without the word of the spawner this shim is not on the disk: it must not leave anything behind.
    guard try Message.receive(over: channel, limit: 64) != nil else { return }
    let specification = try ContainerSpecification(wireBytes: bytes)
    let run = (try directory.read(.state)?.run ?? 0) + 1
    try directory.remove(.exit)
    // Before the service writes its first line: what fails here, fails the start.
    try Files.makeDirectories(directory.logs)
    umask(0)

    let container = try ContainerLaunch(specification).start()
    try directory.write(
      .state,
      RunRecord(
        process: container.identity, shim: try ProcessIdentity.current(), startedAt: KernelClock.realtime, run: run))
    report(.started(container.identity))
    close(channel.rawValue)

    let status = try keep(container, specification, run: run)
    try directory.write(.exit, status)
    // Best effort: what is still busy is removed with the project.
    ContainerLaunch.removeCgroup(specification)
  }

  /// Writes the container's log until it has ended, and says how it did.
  private func keep(
    _ container: RunningContainer, _ specification: ContainerSpecification, run: Int
  ) throws -> ExitRecord {
    var log = LogWriter(directory: directory.logs, run: UInt32(clamping: run))
    var sources = Self.sources(of: container.output)
    while true {
      // Asked before looking: what is not in the pipes of a process that has ended does not come any more.
      let hasEnded = container.process.hasEnded
      if hasEnded && sources.isEmpty { break }
      let ready = try Polling.readable(
        sources.map(\.descriptor.borrowed) + [container.process.descriptor], milliseconds: hasEnded ? 0 : -1)
      var open: [Source] = []
      for (source, isReady) in zip(sources, ready) {
        let isOpen = try isReady && log.pump(source.stream, from: source.descriptor.borrowed) != .endOfFile
        if isOpen || !isReady && !hasEnded { open.append(source) }
      }
      sources = open
    }
    log.finish()
    let status = try container.process.reap()
    return ExitRecord(
      status: status, run: run, finishedAt: KernelClock.realtime,
      wasOutOfMemory: ContainerLaunch.wasOutOfMemory(specification))
  }

  private struct Source {
    let stream: LogStream
    let descriptor: SharedDescriptor
  }

  private static func sources(of output: ContainerOutput) -> [Source] {
    switch output {
    case .pipes(let output, let error):
      [Source(stream: .standardOutput, descriptor: output), Source(stream: .standardError, descriptor: error)]
    case .terminal(let master): [Source(stream: .standardOutput, descriptor: master)]
    }
  }
}
