import Glibc
import LinuxSystem
import SystemPackage

/// Where a command's words go: results to standard output, everything else to standard error.
struct TerminalOutput {
  let usesColour: Bool
  let usesColourOnError: Bool

  /// Without colours, for what is read by programs, and for what is said before options are known.
  static let plain = TerminalOutput(colour: .never, environment: [:])

  init(colour: ColourChoice, environment: [String: String]) {
    func isWanted(_ descriptor: CInt) -> Bool {
      switch colour {
      case .always: true
      case .never: false
      case .auto: isatty(descriptor) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
      }
    }
    usesColour = isWanted(1)
    usesColourOnError = isWanted(2)
  }

  /// Writes a part of the command's result. A result that cannot be written ends the command as a failure.
  func write(_ text: String) {
    do throws(SystemCallError) {
      try Files.writeAll(.standardOutput, text.utf8)
    } catch {
      // A reader that has gone away (`stack ps | head`) wants no more.
      if error.errno == .brokenPipe { return }
      self.error("stack: cannot write to standard output: \(error.errno)\n")
      exit(1)
    }
  }

  func error(_ text: String) {
    // Best effort: there is no other place to complain.
    try? Files.writeAll(.standardError, text.utf8)
  }
}
