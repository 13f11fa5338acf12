import ArgumentParser
import JSONDocument

/// Flags with a value, `--wait=false`, as docker compose's command line takes them (pflag), in the words that the parser knows.
enum FlagValues {
  private static let truths: [String: Bool] = [
    "1": true, "t": true, "T": true, "true": true, "TRUE": true, "True": true,
    "0": false, "f": false, "F": false, "false": false, "FALSE": false, "False": false,
  ]

  /// The arguments with `--flag=true` as `--flag`, and without `--flag=false` and what it takes back. What is passed on to another
  /// program stays as it is, and so does what is no flag: the parser says so.
  static func resolved(_ arguments: [String]) -> [String] {
    guard arguments.contains(where: { value(of: $0) != nil }), let name = arguments.first,
      let options = Options(ofCommand: name)
    else { return arguments }
    var result = [name]
    var rest = arguments.dropFirst()
    while let word = rest.popFirst() {
      if word == "--" || !word.hasPrefix("-") && options.passesOn { return result + [word] + rest }
      if let (flag, isSet) = value(of: word), let names = options.flags.first(where: { $0.contains(flag) }) {
        result.removeAll(where: names.contains)
        let opposite = names.lazy.map { "--no-" + $0.dropFirst(2) }.first(where: options.inverted.contains)
        if isSet { result.append(flag) } else if let opposite { result.append(opposite) }
        continue
      }
      result.append(word)
      if options.takesValue.contains(word), let value = rest.popFirst() { result.append(value) }
    }
    return result
  }

  private static func value(of word: String) -> (flag: String, isSet: Bool)? {
    let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard word.hasPrefix("-"), parts.count == 2, let isSet = truths[String(parts[1])] else { return nil }
    return (String(parts[0]), isSet)
  }

  /// The options of a command, as the parser describes them.
  private struct Options {
    /// The names of each flag.
    var flags: [Set<String>] = []
    /// The other names of flags that are true unless they are taken back.
    var inverted: Set<String> = []
    var takesValue: Set<String> = []
    /// Whether what follows the first operand is for another program.
    var passesOn = false

    init?(ofCommand name: String) {
      guard let type = StackCommand.configuration.subcommands.first(where: { $0.configuration.commandName == name }),
        let description = try? JSON(bytes: Array(type._dumpHelp().utf8)),
        case .array(let arguments)? = description["command"]?["arguments"]
      else { return nil }
      for argument in arguments {
        let names = Set(Self.names(of: argument))
        switch argument["kind"] {
        case .string("flag"): flags.append(names)
        case .string("option"): takesValue.formUnion(names)
        default: passesOn = passesOn || argument["parsingStrategy"] == .string("allRemainingInput")
        }
      }
      let all = Set(flags.joined())
      inverted = all.intersection(["--no-orphans", "--no-pause", "--no-interactive"])
    }

    private static func names(of argument: JSON) -> [String] {
      guard case .array(let names)? = argument["names"] else { return [] }
      return names.compactMap { name in
        guard case .string(let text)? = name["name"] else { return nil }
        return name["kind"] == .string("long") ? "--" + text : "-" + text
      }
    }
  }
}
