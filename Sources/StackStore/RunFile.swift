import Glibc
import LinuxSystem

/// What became of a container since it was started last: a file that grows by a record with each thing that happens.
///
/// | record | written                                                            |
/// |--------|--------------------------------------------------------------------|
/// | begun  | by who makes the shim, before the shim may do anything             |
/// | started| by the shim, when the program is being executed                    |
/// | ended  | by the shim, after the last of the program's output is in the log  |
///
/// Each is written by one write(2), and a part of one, of a writer that was killed or had no room, is no record.
package struct RunFile: Hashable, Sendable {
  /// Counts the starts of the container, from 1.
  package let run: Int
  /// The process that keeps it.
  package let shim: ProcessIdentity
  package private(set) var started: RunRecord?
  package private(set) var ended: ExitRecord?

  init(_ bytes: [UInt8]) throws(WireError) {
    var reader = WireReader(bytes)
    run = try reader.value()
    shim = try reader.value()
    guard let process = try? reader.value(ProcessIdentity.self), let startedAt = try? reader.value(UInt64.self) else {
      return
    }
    started = RunRecord(process: process, shim: shim, startedAt: startedAt, run: run)
    guard let status = try? reader.value(ExitStatus.self), let finishedAt = try? reader.value(UInt64.self),
      let wasOutOfMemory = try? reader.value(Bool.self)
    else { return }
    ended = ExitRecord(status: status, run: run, finishedAt: finishedAt, wasOutOfMemory: wasOutOfMemory)
  }
}

extension ContainerDirectory {
  /// Begins a run: what is known of the last one is replaced.
  /// - Parameter shim: the process that will keep the container; it must not have done anything yet.
  package func beginRun(_ shim: ProcessIdentity) throws {
    // A damaged file must not keep the container from being started.
    let last = (try? read(.run))?.run ?? lastKnownRun
    var writer = WireWriter()
    writer.value(last + 1)
    writer.value(shim)
    try Files.replace("\(path)/run", with: writer.bytes)
  }

  /// The latest run of which anything else tells: where its own record was lost, its number is not given again, by which the
  /// supervisor tells runs apart, and logs have their order.
  private var lastKnownRun: Int {
    // Best effort: of a container that is new, nothing tells.
    let names = (try? Files.namesIfPresent(in: logs)) ?? []
    let logged = names.compactMap { $0.split(separator: ".").first.flatMap { Int($0) } }
    return max((try? read(.life))?.run ?? 0, logged.max() ?? 0)
  }

  /// Adds that the container's program is being executed.
  package func append(_ run: RunRecord) throws(SystemCallError) {
    var writer = WireWriter()
    writer.value(run.process)
    writer.value(run.startedAt)
    try append(writer.bytes)
  }

  /// Adds how the container's process ended.
  package func append(_ exit: ExitRecord) throws(SystemCallError) {
    var writer = WireWriter()
    writer.value(exit.status)
    writer.value(exit.finishedAt)
    writer.value(exit.wasOutOfMemory)
    try append(writer.bytes)
  }

  private func append(_ bytes: [UInt8]) throws(SystemCallError) {
    let file = try Files.open("\(path)/run", O_WRONLY | O_APPEND | O_NOFOLLOW)
    try Files.writeAll(file.borrowed, bytes, object: "\(path)/run")
  }
}
