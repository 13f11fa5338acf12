import Glibc
import IsolationEngine
import JSONDocument
import LinuxCgroup
import LinuxSystem
import SystemPackage

extension Verb {
  static let state = Verb(usage: "CONTAINER", options: .init()) { arguments, context in
    let record = try context.states.record(of: try arguments.container())
    var members = record.state(try context.states.status(of: record), pid: record.process.pid)
    if !members.contains(where: { $0.name == "pid" }) { members.insert(.init(name: "pid", value: .integer(0)), at: 3) }
    members.insert(.init(name: "rootfs", value: .string(record.rootDirectory)), at: 5)
    members.append(.init(name: "created", value: .string(record.created)))
    members.append(.init(name: "owner", value: .string(record.owner)))
    Output.write(JSON.object(members).text(indent: true) + "\n")
    return 0
  }

  static let kill = Verb(
    usage: "CONTAINER [SIGNAL]",
    options: .init(flags: ["all", "regex"], valued: ["signal"], letters: ["a": "all", "s": "signal", "r": "regex"])
  ) { arguments, context in
    guard let id = arguments.operands.first else { throw UsageError("a container ID is needed") }
    let name = arguments.value("signal") ?? (arguments.operands.count > 1 ? arguments.operands[1] : "SIGTERM")
    // 0 is none: it asks whether there is somebody.
    guard let signal = name == "0" ? 0 : SignalName.number(of: name) else {
      throw UsageError("unknown signal \(name)")
    }
    for id in try Selection.ids(id, arguments, context) {
      let record = try context.states.record(of: id)
      if arguments.has("all") {
        // A process may end between the list and the signal.
        for pid in try record.group.processes() { try? ProcessHandle(pid: pid).signal(signal) }
        continue
      }
      guard let process = try record.process.open(), !process.hasEnded else {
        // In a PID namespace of others the rest of it lives on without its first process.
        if signal == SIGKILL, record.sharesProcesses, try record.group.isPopulated() {
          try record.group.kill()
          continue
        }
        throw OCIError("cannot kill container \(id): container not running")
      }
      if signal == SIGKILL && record.sharesProcesses {
        try record.group.kill()
        continue
      }
      // What is frozen does not even die.
      if signal == SIGKILL { try record.group.thaw() }
      try process.signal(signal)
    }
    return 0
  }

  static let delete = Verb(
    usage: "CONTAINER",
    options: .init(flags: ["force", "regex"], letters: ["f": "force", "r": "regex"])
  ) { arguments, context in
    guard let id = arguments.operands.first else { throw UsageError("a container ID is needed") }
    let isForced = arguments.has("force")
    for id in try Selection.ids(id, arguments, context) {
      guard let record = try context.states.recordIfPresent(of: id) else {
        // One whose creation was cut off has nothing else.
        if context.states.exists(id) {
          try context.states.remove(id)
        } else if !isForced {
          throw OCIError("container \(id) does not exist")
        }
        continue
      }
      let status = try context.states.status(of: record)
      if status == .running || status == .paused, !isForced {
        throw OCIError("cannot delete container \(id) that is not stopped: \(status.rawValue)")
      }
      try Deletion(record: record, context: context).remove()
    }
    return 0
  }

  static let pause = Verb(usage: "CONTAINER", options: .init()) { arguments, context in
    let record = try context.states.record(of: try arguments.container())
    let status = try context.states.status(of: record)
    guard status == .running || status == .created else {
      throw OCIError("cannot pause container \(record.id): it is \(status.rawValue)")
    }
    guard try record.group.freeze() else { throw OCIError("container \(record.id) does not stop: cgroup freezer") }
    return 0
  }

  static let checkpoint = notOffered("a container cannot be written to a disk and go on from it")
  static let restore = checkpoint

  /// A command of other runtimes, whose refusal an engine can read.
  private static func notOffered(_ reason: String) -> Verb {
    Verb(usage: "CONTAINER", options: .init(), isOffered: false) { _, _ in throw OCIError("not supported: \(reason)") }
  }

  static let resume = Verb(usage: "CONTAINER", options: .init()) { arguments, context in
    let record = try context.states.record(of: try arguments.container())
    guard try context.states.status(of: record) == .paused else {
      throw OCIError("cannot resume container \(record.id): it is not paused")
    }
    try record.group.thaw()
    return 0
  }
}

enum Selection {
  /// The container of this name, or all whose name matches.
  static func ids(_ text: String, _ arguments: Arguments, _ context: Context) throws -> [String] {
    guard arguments.has("regex") else { return [text] }
    let expression = try RegularExpression(text)
    return try context.states.ids.filter { expression.matches($0.utf8) }
  }
}

/// Taking a container away.
struct Deletion {
  let record: ContainerRecord
  let context: Context

  func remove() throws {
    let group = try record.group
    if let process = try record.process.open() { try end(process, in: group) }
    // Without a PID namespace of its own others of it may live on.
    try group.kill()
    try group.remove()
    try CommonGroup.removeEmpty(above: record.cgroup)
    let configuration = record.hasLaterHooks ? try context.states.configuration(of: record.id) : nil
    try context.states.remove(record.id)
    guard let configuration else { return }
    let input = Array(JSON.object(record.state(.stopped, pid: 0)).text().utf8)
    let output = try HookOutput(configuration.annotations)
    for (number, hook) in configuration.hooks.poststop.enumerated() {
      do throws(LaunchError) {
        try hook.run("poststop", number, input: input, output: output)
      } catch {
        // The specification: a failure is told, and the rest goes on.
        context.log.report("\(error)")
      }
    }
  }

  private func end(_ process: ProcessHandle, in group: Cgroup) throws {
    try group.thaw()
    try process.signal(SIGKILL)
    if process.waitForEnd(milliseconds: 1000) { return }
    // Somebody may have put it into another group, and frozen that.
    try group.takeBack(record.process.pid)
    guard process.waitForEnd(milliseconds: 10_000) else { throw OCIError("container \(record.id) does not end") }
  }
}
