import ArgumentParser
import Glibc
import LinuxCgroup
import LinuxSystem
import StackEngine
import StackStore
import SystemPackage

struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "top", abstract: "List the processes of services.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    let name = try project.name()
    try project.reporting {
      let engine = project.engine
      for status in try engine.containers(of: name, services: services) {
        guard case .running = status.state else { continue }
        var table = Table(["UID", "PID", "PPID", "STATE", "TIME", "CMD"])
        for pid in try engine.cgroup(of: status).processes().sorted() {
          // One that has ended meanwhile is not listed.
          if let process = try? ProcessDescription(pid) { table.rows.append(process.row) }
        }
        project.terminal.write("\(status.directory.name)\n\(table.text)\n")
      }
    }
  }
}

/// A process as /proc shows it (proc_pid_stat(5), proc_pid_status(5)).
private struct ProcessDescription {
  let row: [String]

  init(_ pid: pid_t) throws {
    let stat = try Files.text("/proc/\(pid)/stat")
    let status = try Files.text("/proc/\(pid)/status")
    guard let close = stat.lastIndex(of: ")") else {
      throw SystemCallError("read", on: "/proc/\(pid)/stat", .badMessage)
    }
    let fields = stat[stat.index(after: close)...].split(separator: " ")
    guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else {
      throw SystemCallError("read", on: "/proc/\(pid)/stat", .badMessage)
    }
    let uid =
      status.split(separator: "\n").first { $0.hasPrefix("Uid:") }?.split(separator: "\t").dropFirst().first ?? "?"
    let words = try Files.readAll("/proc/\(pid)/cmdline").split(separator: 0)
    let name = stat[..<close].split(separator: "(", maxSplits: 1).last.map(String.init) ?? ""
    let command =
      words.isEmpty ? "[\(name)]" : words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    let seconds = (user + system) / UInt64(max(1, sysconf(CInt(_SC_CLK_TCK))))
    func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    row = [
      String(uid), "\(pid)", String(fields[1]), String(fields[0]),
      "\(two(seconds / 3600)):\(two(seconds / 60 % 60)):\(two(seconds % 60))", command,
    ]
  }
}
