import Glibc

/// Names and numbers of signals on x86-64 and arm64 (signal(7)).
package enum SignalName {
  private static let names: [String] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
  ]

  /// `SIGTERM`, or `SIGRTMIN+3` for a real-time signal.
  package static func name(of signal: CInt) -> String {
    if signal >= 1 && Int(signal) <= names.count { return "SIG\(names[Int(signal) - 1])" }
    if signal == 34 { return "SIGRTMIN" }
    if signal > 34 && signal <= 64 { return "SIGRTMIN+\(signal - 34)" }
    return "signal \(signal)"
  }

  /// The number of `SIGTERM`, `term`, `15` or `SIGRTMIN+3`; nil when there is no such signal.
  package static func number(of name: String) -> CInt? {
    if let number = CInt(name) { return (1...64).contains(number) ? number : nil }
    var text = name.uppercased()
    if text.hasPrefix("SIG") { text.removeFirst(3) }
    if let index = names.firstIndex(of: text) { return CInt(index + 1) }
    let aliases: [String: CInt] = ["IOT": SIGABRT, "POLL": SIGIO, "CLD": SIGCHLD, "RTMIN": 34, "RTMAX": 64]
    if let number = aliases[text] { return number }
    for (prefix, base, sign) in [("RTMIN+", CInt(34), CInt(1)), ("RTMAX-", 64, -1)] where text.hasPrefix(prefix) {
      guard let offset = CInt(text.dropFirst(prefix.count)), (0...30).contains(offset) else { return nil }
      return base + sign * offset
    }
    return nil
  }
}
