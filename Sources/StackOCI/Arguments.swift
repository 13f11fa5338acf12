/// What a command line comes to: the options of one command, in the way of the flag parsers that OCI runtimes have.
struct Arguments {
  private var flags: Set<String> = []
  private var values: [String: [String]] = [:]
  private(set) var operands: [String] = []

  /// The options of a command, by their long names; a letter is another name for one.
  struct Options {
    var flags: Set<String> = []
    var valued: Set<String> = []
    var letters: [String: String] = [:]
    /// What comes after the first operand belongs to somebody else.
    var stopsAtOperand = false
  }

  init(_ options: Options, _ arguments: some Sequence<String>) throws {
    var rest = Array(arguments)[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        operands += rest
        return
      }
      guard argument.hasPrefix("-"), argument.count > 1 else {
        operands.append(argument)
        if options.stopsAtOperand {
          operands += rest
          return
        }
        continue
      }
      let isLong = argument.hasPrefix("--")
      let parts = argument.drop { $0 == "-" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      var name = parts.first.map(String.init) ?? ""
      var attached = parts.count > 1 ? String(parts[1]) : nil
      if !isLong, attached == nil, name.count > 1, options.letters[String(name.prefix(1))] != nil,
        options.letters[name] == nil, !options.flags.contains(name), !options.valued.contains(name)
      {
        attached = String(name.dropFirst())
        name = String(name.prefix(1))
      }
      name = options.letters[name] ?? name
      if options.valued.contains(name) {
        guard let value = attached ?? rest.popFirst() else { throw UsageError("option --\(name) needs a value") }
        values[name, default: []].append(value)
      } else if options.flags.contains(name) {
        if attached == "false" { flags.remove(name) } else { flags.insert(name) }
      } else {
        throw UsageError("unknown option \(argument)")
      }
    }
  }

  func has(_ name: String) -> Bool { flags.contains(name) }
  func value(_ name: String) -> String? { values[name]?.last }
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// The first operand, and nothing else.
  func container() throws -> String {
    guard let id = operands.first else { throw UsageError("a container ID is needed") }
    guard operands.count == 1 else { throw UsageError("too many arguments: only a container ID is needed") }
    return id
  }
}

struct UsageError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
