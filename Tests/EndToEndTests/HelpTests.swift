import Foundation
import TestSupport
import Testing

/// What the help says that a command takes, the completions complete.
@Suite struct HelpTests {
  /// A command as the program describes itself.
  private struct Description: Decodable {
    struct Command: Decodable {
      let commandName: String
      let arguments: [Argument]?
      let subcommands: [Command]?
    }
    struct Argument: Decodable {
      let kind: String
      let names: [Name]?
    }
    struct Name: Decodable {
      let kind: String
      let name: String
    }

    let command: Command
  }

  /// The long options of all commands.
  private func options(_ command: Description.Command, _ path: [String] = []) -> [(path: [String], option: String)] {
    let own = (command.arguments ?? []).filter { $0.kind != "positional" }.flatMap { $0.names ?? [] }
    return own.filter { $0.kind == "long" }.map { (path, $0.name) }
      + (command.subcommands ?? []).filter { $0.commandName != "help" }.flatMap {
        options($0, path + [$0.commandName])
      }
  }

  @Test func everyOptionIsCompletedInEveryShell() throws {
    try StackFixture.with { (fixture: StackFixture) throws in
      let text = try fixture.stack("--experimental-dump-help").output
      let all = options(try JSONDecoder().decode(Description.self, from: Data(text.utf8)).command)
      #expect(Set(all.map(\.path)).count > 40 && all.contains { $0 == (["up"], "abort-on-container-exit") })
      for shell in ["bash", "zsh", "fish"] {
        let script = try fixture.stack("completion", shell).output
        for (path, option) in all {
          let words = shell == "fish" ? ["-l \(option)", "-l '\(option)'"] : ["--\(option)"]
          #expect(words.contains { script.contains($0) }, "\(shell): \(path) --\(option)")
          #expect(path.allSatisfy { script.contains($0) }, "\(shell): \(path)")
        }
      }
      // Where all words are another command's, too.
      for command in ["up", "exec", "run", "test"] {
        let help = try fixture.stack(command, "--help")
        #expect(help.code == 0 && help.output.contains("USAGE: stack \(command)"), "\(command): \(help.errors)")
        for (path, option) in all where path == [command] {
          #expect(help.output.contains("--\(option)"), "\(command) --\(option)")
        }
      }
    }
  }
}
