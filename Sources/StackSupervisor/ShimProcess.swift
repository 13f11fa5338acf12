import Glibc
import IsolationEngine
import LinuxSystem
import StackEngine
import StackLogs
import StackModel
import StackStore
import SystemPackage

/// The process that keeps one container, forked by `ShimFactory`.
///
/// It starts the container, writes its log, waits for it, writes how it ended, and ends. It is single-threaded, knows nothing
/// of other containers, and needs nobody: the container dies with it, never the other way round.
struct ShimProcess {
  private let directory: ContainerDirectory
  private let specification: ContainerSpecification
  private let logging: Logging
  private let hasHooks: Bool
  private let mappings: SharedMappings
  private let channel: SharedDescriptor
  private let kind: ContainerStreams
  private let streams: [SharedDescriptor]

  init(
    _ directory: ContainerDirectory, _ specification: ContainerSpecification, sharing mappings: SharedMappings,
    _ record: ContainerRecord, reportingTo channel: SharedDescriptor, _ kind: ContainerStreams,
    _ streams: [SharedDescriptor]
  ) {
    logging = record.logging
    hasHooks = !record.life.postStart.isEmpty || !record.life.preStop.isEmpty
    self.kind = kind
    self.streams = streams
    self.directory = directory
    self.specification = specification
    self.mappings = mappings
    self.channel = channel
  }

  /// Keeps the container to its end, and ends the process.
  /// - Parameter begin: can be read once this shim is on the disk; at its end without that, it must not leave anything behind.
  func run(_ begin: SharedDescriptor) -> Never {
    var word: UInt8 = 0
    let outcome = retrying { unsafe read(begin.borrowed.rawValue, &word, 1) }
    if outcome.value < 0 {
      report(.failed(step: "start", reason: "the word to begin: \(Errno(rawValue: outcome.errno))"))
    }
    guard outcome.value == 1 else { _exit(1) }
    begin.close()
    ProcessTitle.set("stack shim \(directory.name)")
    do {
      _ = setsid()
      try keep()
      _exit(0)
    } catch let error as LaunchError {
      report(.failed(step: error.step, reason: error.reason))
    } catch {
      report(.failed(step: "start", reason: "\(error)"))
    }
    _exit(1)
  }

  private func report(_ message: ShimMessage, with descriptor: FileDescriptor? = nil) {
    // Best effort: whoever spawned this shim may be gone, and the records say the same.
    try? Message.send(message.wireBytes, with: descriptor, over: channel.borrowed)
  }

  private func keep() throws {
    let container = try ContainerLaunch(specification, sharing: mappings).start(kind == .given ? streams : nil)
    // Before anybody is told that it runs: who is told may attach at once.
    let door = try container.input.flatMap { input in kind == .log ? try AttachDoor(directory, input: input) : nil }
    let hooks = hasHooks ? try HookDoor(directory) : nil
    guard let begun = try directory.read(.run) else {
      // The project was removed meanwhile, and with it the container.
      throw LaunchError("start", "its records are gone")
    }
    try directory.append(
      RunRecord(process: container.identity, shim: begun.shim, startedAt: KernelClock.realtime, run: begun.run))
    report(.started(shim: begun.shim), with: handedOver(container.output))
    channel.close()

    let status = try log(container, door, hooks, run: begun.run)
    // Where the state was lost, and the container made anew, the records and the cgroup are another's by now.
    guard try directory.read(.run)?.shim == begun.shim else { return }
    try directory.append(status)
    // Best effort: what is still busy is removed with the project.
    ContainerLaunch.removeCgroup(specification)
  }

  /// The terminal of a container whose user wants to have it.
  private func handedOver(_ output: ContainerOutput) -> FileDescriptor? {
    guard kind == .terminal, case .terminal(let master) = output else { return nil }
    return master.borrowed
  }

  /// Writes the container's log until it has ended, and says how it did.
  private func log(
    _ container: RunningContainer, _ door: AttachDoor?, _ hooks: HookDoor?, run: Int
  ) throws -> ExitRecord {
    var log = LogWriter(directory: directory.logs, run: UInt32(clamping: run), retention)
    // Whoever was given the terminal reads it; this end of it would keep it open.
    if kind == .terminal, case .terminal(let master) = container.output { master.close() }
    var sources = kind == .log ? Self.sources(of: container.output) : []
    while true {
      // Asked before looking: what is not in the pipes of a process that has ended does not come any more.
      let hasEnded = container.process.hasEnded
      if hasEnded && sources.isEmpty { break }
      let ready = try Polling.readable(
        sources.map(\.descriptor.borrowed) + [container.process.descriptor] + (door.map { [$0.descriptor] } ?? [])
          + (hooks?.descriptors ?? []),
        milliseconds: hasEnded ? 0 : -1)
      if door != nil, ready[sources.count + 1] { door?.open() }
      // What a hook has written before the container's last words stands before them.
      hooks?.take(into: &log)
      var open: [Source] = []
      for (source, isReady) in zip(sources, ready) {
        let isOpen = try isReady && log.pump(source.stream, from: source.descriptor.borrowed) != .endOfFile
        if isOpen || !isReady && !hasEnded { open.append(source) }
      }
      sources = open
    }
    log.finish()
    let status = try container.process.reap()
    // Best effort: without it there is no record of its calls.
    _ = try? container.recorder?.reap()
    return ExitRecord(
      status: status, run: run, finishedAt: KernelClock.realtime,
      wasOutOfMemory: ContainerLaunch.wasOutOfMemory(specification))
  }

  private var retention: LogRetention {
    guard logging.isKept else { return .nothing }
    guard let size = logging.maximumSize else { return .everything }
    return .segments(logging.maximumFiles ?? 1, size: size)
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
    case .given: []
    }
  }
}
