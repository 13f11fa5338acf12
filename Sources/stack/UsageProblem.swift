import ArgumentParser
import LinuxSystem

/// What to say of a command line that cannot be understood.
enum UsageProblem {
  static func text(_ error: any Error, arguments: [String]) -> String {
    guard let name = arguments.first, !name.hasPrefix("-"), !commands.contains(name) else {
      return StackCommand.fullMessage(for: error) + "\n"
    }
    let near = commands.map { (distance: EditDistance.between(name, $0), name: $0) }.min { $0.distance < $1.distance }
    let guess = near.flatMap { $0.distance <= 2 ? "; did you mean \($0.name)?" : nil } ?? ""
    return "stack: there is no command \(name)\(guess)\n  stack --help lists them\n"
  }

  private static let commands =
    StackCommand.configuration.subcommands.compactMap { $0.configuration.commandName }.sorted() + ["help"]
}
