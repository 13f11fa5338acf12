import ArgumentParser
import LinuxSystem

/// What to say of a command line that cannot be understood.
enum UsageProblem {
  static func text(_ error: any Error, arguments: [String]) -> String {
    guard let name = arguments.first, !name.hasPrefix("-"), !commands.contains(name) else {
      return StackCommand.fullMessage(for: error) + "\n"
    }
    if let instead = elsewhere[name] { return "stack: there is no command \(name): \(instead)\n" }
    let near = commands.map { (distance: EditDistance.between(name, $0), name: $0) }.min { $0.distance < $1.distance }
    let guess = near.flatMap { $0.distance <= 2 ? "; did you mean \($0.name)?" : nil } ?? ""
    return "stack: there is no command \(name)\(guess)\n  stack --help lists them\n"
  }

  /// Commands of docker compose that are none here, and what there is to do.
  private static let elsewhere: [String: String] = [
    "build": "images are not built here; build with another tool, and load the result (stack image load)",
    "pull": "images are not taken from registries here; load them from archives (stack image load)",
    "push": "images are not given to registries here; write them to archives (stack image save)",
    "publish": "stack files are not given to registries here; stack config prints one that needs no other file",
    "watch": "files are not watched here; another stack up takes over what has changed",
    "bridge": "stack files are not turned into other formats here",
  ]

  private static let commands =
    StackCommand.configuration.subcommands.compactMap { $0.configuration.commandName }.sorted() + ["help"]
}
