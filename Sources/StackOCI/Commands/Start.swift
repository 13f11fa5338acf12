import Glibc
import IsolationEngine
import JSONDocument
import LinuxSystem
import SystemPackage

extension Verb {
  static let create = Verb(
    usage: "CONTAINER",
    options: .init(flags: Creation.flags, valued: Creation.valued, letters: Creation.letters), entersContainers: true
  ) { arguments, context in
    _ = try Creation(arguments, context, isForeground: false).make()
    return 0
  }

  static let start = Verb(usage: "CONTAINER", options: .init()) { arguments, context in
    try Start.start(try arguments.container(), context)
    return 0
  }

  static let run = Verb(
    usage: "CONTAINER",
    options: .init(
      flags: Creation.flags.union(["detach", "keep"]), valued: Creation.valued,
      letters: Creation.letters.merging(["d": "detach"]) { first, _ in first }), entersContainers: true
  ) { arguments, context in
    let isForeground = !arguments.has("detach")
    let creation = try Creation(arguments, context, isForeground: isForeground)
    let created = try creation.make()
    do {
      if !isForeground {
        try Start.start(created.record.id, context)
        return 0
      }
      let readiness = try ReadinessSocket(context.states, of: created.record.id)?.listen()
      try created.running.begin()
      try Start.runHooks(created.hooks.poststart, of: created.record, created.hookOutput)
      let status = try Foreground(process: created.running.process, terminal: created.terminal).wait(readiness)
      if !arguments.has("keep") { try Deletion(record: created.record, context: context).remove() }
      return status.code
    } catch {
      // What a hook in the container has said is on its terminal.
      if let terminal = created.terminal { Foreground.drain(terminal.borrowed) }
      // Best effort: the failure to report is the first one.
      try? created.running.process.signal(SIGKILL)
      _ = try? created.running.process.reap()
      try? Deletion(record: created.record, context: context).remove()
      throw error
    }
  }
}

/// Letting a container go on that waits.
enum Start {
  static func start(_ id: String, _ context: Context) throws {
    let states = context.states
    let record = try states.record(of: id)
    let status = try states.status(of: record)
    if status == .created && !record.hasProgram {
      if OCICommand.dialect.endsWithoutProgram { return try end(record) }
      throw OCIError("process is missing in config.json")
    }
    guard status == .created, let connection = try states.connect(to: id) else {
      throw OCIError("cannot start container \(id): it is \(status.rawValue), not created")
    }
    // From here on it has been started, whatever becomes of it.
    try states.removeGate(of: id)
    let readiness = try ReadinessSocket(states, of: id)?.listen()
    try ContainerLaunch.begin(over: connection.borrowed, as: record.process.pid, trace: context.log.debug)
    if record.hasLaterHooks { try runLaterHooks(of: record, context) }
    if let readiness, let process = try record.process.open() { try readiness.wait(for: process, record.process.pid) }
  }

  private static func runLaterHooks(of record: ContainerRecord, _ context: Context) throws {
    let configuration = try context.states.configuration(of: record.id)
    do {
      try runHooks(configuration.hooks.poststart, of: record, try HookOutput(configuration.annotations))
    } catch {
      // The specification: the container is stopped, and what follows its end is done.
      try Deletion(record: record, context: context).remove()
      throw error
    }
  }

  /// Ends a container that waits.
  private static func end(_ record: ContainerRecord) throws {
    guard let process = try record.process.open() else { return }
    try process.signal(SIGKILL)
    guard process.waitForEnd(milliseconds: 10_000) else { throw OCIError("container \(record.id) does not end") }
  }

  static func runHooks(_ hooks: [Hook], of record: ContainerRecord, _ output: HookOutput) throws(LaunchError) {
    let input = Array(JSON.object(record.state(.running, pid: record.process.pid)).text().utf8)
    try Hook.run(hooks, of: "poststart", input: input, output: output)
  }
}
