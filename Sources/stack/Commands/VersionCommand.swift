import ArgumentParser

enum Version {
  static let text = "0.1.0"
}

struct VersionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  @Flag(help: "Only the number.") var short = false
  @Option(name: [.short, .long], help: "pretty or json.") var format: String?

  func run() {
    let text =
      switch (format, short) {
      case ("json", _): "{\"version\":\"\(Version.text)\"}"
      case (_, true): Version.text
      default: "stack version \(Version.text)"
      }
    TerminalOutput.plain.write("\(text)\n")
  }
}
