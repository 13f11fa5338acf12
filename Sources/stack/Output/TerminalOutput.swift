import Glibc
import LinuxSystem
import SystemPackage

/// Where a command's words go: results to standard output, everything else to standard error.
struct TerminalOutput {
  let usesColour: Bool
  let usesColourOnError: Bool

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

  func write(_ text: String) { Self.write(text, to: .standardOutput) }

  func error(_ text: String) { Self.write(text, to: .standardError) }

  private static func write(_ text: String, to descriptor: FileDescriptor) {
    // A reader that has gone away (`stack ps | head`) wants no more.
    try? Files.writeAll(descriptor, text.utf8)
  }
}
