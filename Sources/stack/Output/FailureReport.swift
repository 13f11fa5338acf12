import Glibc
import LinuxSeccomp
import LinuxSystem
import StackEngine
import StackLifecycle
import StackLogs
import StackStore

/// What a person needs to see when a stack has failed: of each service that is not well, how it ended, what its check said, and
/// the last lines that it wrote.
struct FailureReport {
  private static let lines = 20

  struct Entry {
    let service: String
    let container: String
    let summary: String
    let check: String?
    /// The last lines.
    let log: [String]
    /// The services that need it.
    let neededBy: [String]
  }

  let entries: [Entry]
  /// What ended badly outside of the stack; nil is nothing.
  private let command: String?

  /// - Parameters:
  ///   - command: what ended badly outside of the stack.
  ///   - suspects: services that are shown whatever their state.
  ///   - dependents: for each service those that need it; nil is what the containers say.
  init(
    _ containers: [ContainerStatus], command: String? = nil, suspects: Set<String> = [],
    dependents: [String: [String]]? = nil
  ) {
    self.command = command
    entries = containers.compactMap { status in
      guard let record = status.record,
        let summary = Self.summary(of: status, isSuspect: suspects.contains(record.service))
      else { return nil }
      let check = status.life?.lastCheck.flatMap { $0.succeeded ? nil : $0.output }
      return Entry(
        service: record.service, container: status.directory.name, summary: summary,
        check: check.flatMap { $0.isEmpty ? nil : $0 }, log: Self.lastLines(of: status),
        neededBy: dependents.map { $0[record.service] ?? [] }
          ?? containers.filter { $0.record?.dependencies.contains(record.service) ?? false }
          .compactMap { $0.record?.service })
    }
  }

  /// In one line what is wrong; nil when nothing is.
  private static func summary(of status: ContainerStatus, isSuspect: Bool) -> String? {
    switch status.state {
    case .exited(_, nil): return "was killed with its shim"
    case .exited(let run, let exit?) where exit.status != .exited(0) || status.isRestarting || isSuspect:
      return how(exit, run) + (status.life.map { $0.restarts > 0 ? ", after \($0.restarts) restarts" : "" } ?? "")
    case .running where status.life?.health == .unhealthy: return "is unhealthy"
    case .running where status.life?.health == .starting: return "runs, and is not ready"
    case .running where isSuspect: return "runs"
    case .created, .starting, .running, .exited: return nil
    }
  }

  private static func how(_ exit: ExitRecord, _ run: RunRecord) -> String {
    if exit.wasOutOfMemory { return "was killed: it ran out of memory (mem_limit)" }
    return switch exit.status {
    case .exited(let code): "exited with code \(code)"
    case .signalled(SIGSYS): "was killed by SIGSYS: \(forbidden(run.process.pid))"
    case .signalled(let signal): "was killed by \(SignalName.name(of: signal))"
    }
  }

  private static func forbidden(_ pid: pid_t) -> String {
    guard let name = ForbiddenCall.name(ofProcess: pid) else {
      return "it made a system call that its seccomp filter forbids; an audit log names it (type=1326, pid=\(pid))"
    }
    return "its seccomp filter forbids the system call \(name)"
  }

  private static func lastLines(of status: ContainerStatus) -> [String] {
    // Best effort: without its log the rest is still of use.
    guard var reader = try? LogReader(directory: status.directory.logs, selection: LogSelection(tail: lines)) else {
      return []
    }
    var result: [String] = []
    while let line = try? reader.next() { result.append(String(decoding: line.bytes, as: UTF8.self)) }
    return result
  }

  /// For people.
  var text: String {
    let first = command.map { $0 + (entries.isEmpty ? "; all services are well\n" : "\n") } ?? ""
    return first
      + entries.map { entry in
        var text = "container \(entry.container) \(entry.summary)\n"
        if !entry.neededBy.isEmpty { text += "  needed by: \(entry.neededBy.joined(separator: ", "))\n" }
        if let check = entry.check { text += "  its check said:\n\(Self.indented(check))" }
        if !entry.log.isEmpty {
          text += "  its last lines:\n" + entry.log.map { "    \($0)\n" }.joined()
        }
        return text
      }.joined()
  }

  private static func indented(_ text: String) -> String {
    text.split(whereSeparator: \.isNewline).map { "    \($0)\n" }.joined()
  }

  /// For the page of a run in GitHub Actions: a workflow command a service.
  var annotations: String {
    (command.map { "::error title=stack test::\(Self.escaped($0))\n" } ?? "")
      + entries.map { entry in
        let message = ([entry.summary] + (entry.check.map { [$0] } ?? []) + entry.log.suffix(5)).joined(separator: "\n")
        return "::error title=service \(entry.service)::\(Self.escaped(message))\n"
      }.joined()
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "%": result += "%25"
      case "\r\n": result += "%0D%0A"
      case "\n": result += "%0A"
      case "\r": result += "%0D"
      default: result.append(character)
      }
    }
  }

  /// Writes the report and the whole log of every container below a directory, for a job's artifacts.
  func write(to directory: String, _ containers: [ContainerStatus]) throws {
    try Files.makeDirectories(directory, mode: 0o755)
    try Files.replace("\(directory)/report.txt", with: Array(text.utf8), mode: 0o644)
    for status in containers {
      var reader = try LogReader(directory: status.directory.logs)
      var bytes: [UInt8] = []
      while let line = try reader.next() { bytes += line.bytes + [UInt8(ascii: "\n")] }
      try Files.replace("\(directory)/\(status.directory.name).log", with: bytes, mode: 0o644)
    }
  }
}
