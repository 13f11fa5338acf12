import ArgumentParser
import Glibc
import LinuxCgroup
import LinuxSystem
import StackEngine
import StackLogs
import StackStore
import SystemPackage

struct TopCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "top", abstract: "List the processes of services.")

  @OptionGroup var global: GlobalOptions
  @Argument(help: "The services; all if none is named.") var services: [String] = []

  func run() throws {
    let project = Project(global)
    try project.acting(on: services) { name, services in
      let engine = project.engine
      var table = Table(["SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
      for status in try engine.containers(of: name, services: services).sorted(by: { $0.name < $1.name }) {
        guard case .running = status.state, let record = status.record else { continue }
        for pid in try engine.cgroup(of: status).processes().sorted() {
          // One that has ended meanwhile is not listed.
          if let process = try? ProcessDescription(pid) {
            table.rows.append([record.service, "\(record.number)"] + process.columns)
          }
        }
      }
      if !table.rows.isEmpty { project.terminal.write(table.text) }
    }
  }
}

/// A process in the columns of `ps -ef`, as /proc shows it (proc_pid_stat(5), proc_pid_status(5)).
private struct ProcessDescription {
  let columns: [String]

  init(_ pid: pid_t) throws {
    let stat = try Files.text("/proc/\(pid)/stat")
    let status = try Files.text("/proc/\(pid)/status")
    let malformed = SystemCallError("read", on: "/proc/\(pid)/stat", .badMessage)
    guard let close = stat.lastIndex(of: ")") else { throw malformed }
    let fields = stat[stat.index(after: close)...].split(separator: " ")
    guard fields.count > 19, let user = UInt64(fields[11]), let system = UInt64(fields[12]),
      let start = UInt64(fields[19]),
      let terminal = UInt32(fields[4])
    else { throw malformed }
    let uid =
      status.split(separator: "\n").first { $0.hasPrefix("Uid:") }?.split(separator: "\t").dropFirst().first ?? "?"
    let words = try Files.readAll("/proc/\(pid)/cmdline").split(separator: 0)
    let name = stat[..<close].split(separator: "(", maxSplits: 1).last.map(String.init) ?? ""
    let command =
      words.isEmpty ? "[\(name)]" : words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    let ticks = UInt64(max(1, sysconf(CInt(_SC_CLK_TCK))))
    let age = KernelClock.monotonic / 1_000_000_000 - min(start / ticks, KernelClock.monotonic / 1_000_000_000)
    let seconds = (user + system) / ticks
    columns = [
      String(uid), "\(pid)", String(fields[1]), "\(min(99, seconds * 100 / max(1, age)))", Self.moment(age),
      Self.name(ofTerminal: terminal),
      "\(Self.two(seconds / 3600)):\(Self.two(seconds / 60 % 60)):\(Self.two(seconds % 60))",
      command,
    ]
  }

  private static func two(_ number: UInt64) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// The time of day at which a process of this age was started, or the day before today.
  private static func moment(_ age: UInt64) -> String {
    let now = KernelClock.realtime / 1_000_000_000
    let text = LogTime.dateAndTime(seconds: now - min(age, now))
    let isToday = text.prefix(10) == LogTime.dateAndTime(seconds: now).prefix(10)
    return String(decoding: isToday ? text[11..<16] : text[5..<10], as: UTF8.self)
  }

  /// `pts/0`, or `?`: only those are known by number alone (Linux allocated devices, 136 to 143).
  private static func name(ofTerminal device: UInt32) -> String {
    let (major, minor) = (device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00)
    return (136...143).contains(major) ? "pts/\((major - 136) << 8 | minor)" : "?"
  }
}
