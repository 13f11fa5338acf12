/// The signals that `stop_signal` may name (signal(7)).
enum StopSignal {
  static let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "POLL", "PWR", "SYS", "IOT", "CLD",
  ]

  static func bare(_ text: String) -> String {
    let text = text.uppercased()
    return text.hasPrefix("SIG") ? String(text.dropFirst(3)) : text
  }

  static func isKnown(_ text: String) -> Bool {
    if let number = Int(text) { return (1...64).contains(number) }
    let name = bare(text)
    if names.contains(name) || name == "RTMIN" || name == "RTMAX" { return true }
    if name.hasPrefix("RTMIN+") { return Int(name.dropFirst(6)).map { (0...30).contains($0) } ?? false }
    if name.hasPrefix("RTMAX-") { return Int(name.dropFirst(6)).map { (0...30).contains($0) } ?? false }
    return false
  }
}
