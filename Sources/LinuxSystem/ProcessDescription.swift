import Glibc
import SystemPackage

/// A process as `ps -ef` shows it, from /proc (proc_pid_stat(5), proc_pid_status(5)).
package struct ProcessDescription {
  package let pid: pid_t
  /// The number of the user.
  package let user: String
  package let parent: String
  /// One letter, as in proc_pid_stat(5).
  package let state: String
  /// Percent of one processor since the start.
  package let load: String
  /// The time of day of the start in UTC, `HH:MM`, or the day before today, `MM-DD`.
  package let started: String
  /// `pts/0`, or `?`.
  package let terminal: String
  /// Processor time, `HH:MM:SS`.
  package let time: String
  /// The command line, or the name in brackets of a process without one.
  package let command: String

  /// - Throws: when there is no such process any more.
  package init(_ pid: pid_t) throws(SystemCallError) {
    let stat = try Files.text("/proc/\(pid)/stat")
    let status = try Files.text("/proc/\(pid)/status")
    let malformed = SystemCallError("read", on: "/proc/\(pid)/stat", .badMessage)
    guard let close = stat.lastIndex(of: ")") else { throw malformed }
    let fields = stat[stat.index(after: close)...].split(separator: " ")
    guard fields.count > 19, let userTime = UInt64(fields[11]), let system = UInt64(fields[12]),
      let start = UInt64(fields[19]), let device = UInt32(fields[4])
    else { throw malformed }
    let words = try Files.readAll("/proc/\(pid)/cmdline").split(separator: 0)
    let name = stat[..<close].split(separator: "(", maxSplits: 1).last.map(String.init) ?? ""
    let ticks = UInt64(max(1, sysconf(CInt(_SC_CLK_TCK))))
    let age = KernelClock.monotonic / 1_000_000_000 - min(start / ticks, KernelClock.monotonic / 1_000_000_000)
    let seconds = (userTime + system) / ticks
    self.pid = pid
    user =
      status.split(separator: "\n").first { $0.hasPrefix("Uid:") }?.split(separator: "\t").dropFirst().first
      .map(String.init) ?? "?"
    parent = String(fields[1])
    state = String(fields[0])
    load = "\(min(99, seconds * 100 / max(1, age)))"
    started = Self.moment(age)
    terminal = Self.name(ofTerminal: device)
    time = "\(Self.two(seconds / 3600)):\(Self.two(seconds / 60 % 60)):\(Self.two(seconds % 60))"
    command = words.isEmpty ? "[\(name)]" : words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
  }

  private static func two(_ number: some BinaryInteger) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private static func moment(_ age: UInt64) -> String {
    let now = KernelClock.realtime / 1_000_000_000
    let (today, start) = unsafe (fields(of: now), fields(of: now - min(age, now)))
    if unsafe today.tm_year == start.tm_year && today.tm_yday == start.tm_yday {
      return unsafe "\(two(start.tm_hour)):\(two(start.tm_min))"
    }
    return unsafe "\(two(start.tm_mon + 1))-\(two(start.tm_mday))"
  }

  @unsafe private static func fields(of moment: UInt64) -> tm {
    var time = time_t(moment)
    var fields = unsafe tm()
    _ = unsafe gmtime_r(&time, &fields)
    return unsafe fields
  }

  /// Only those of devpts are known by number alone (Linux allocated devices, 136 to 143).
  private static func name(ofTerminal device: UInt32) -> String {
    let (major, minor) = (device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00)
    return (136...143).contains(major) ? "pts/\((major - 136) << 8 | minor)" : "?"
  }
}
