import StackFile

/// The arguments of a command as scripts write them, read without the parser of command lines: that takes as long as it takes
/// to start a container.
///
/// Only what is spelled out, each value a word of its own; whatever else there is, is for the parser, which also says what is
/// wrong.
struct PlainArguments {
  /// The words that are no options, in their order.
  private(set) var words: [String] = []
  private var given: [String: [String]] = [:]

  enum Words {
    /// Between options.
    case anywhere
    /// What follows the first word belongs to a command of the container.
    case last
  }

  /// - Parameters:
  ///   - flags: the spellings of options without a value, each with the name under which it is asked for.
  ///   - options: the same of options with a value.
  /// - Returns: nil when there is anything else in them.
  init?(
    _ arguments: ArraySlice<String>, flags: [String: String], options: [String: String], words place: Words
  ) {
    var rest = arguments
    while let word = rest.popFirst() {
      if let name = flags[word] {
        given[name] = []
      } else if let name = options[word] {
        guard let value = rest.popFirst() else { return nil }
        given[name, default: []].append(value)
      } else if word.hasPrefix("-") {
        return nil
      } else {
        words.append(word)
        if place == .last {
          words += rest
          break
        }
      }
    }
  }

  func has(_ flag: String) -> Bool { given[flag] != nil }
  func all(_ option: String) -> [String] { given[option] ?? [] }
  func last(_ option: String) -> String? { given[option]?.last }

  var project: Project { Project(ProjectOptions.plain(name: last("project"), files: all("file"))) }
}

extension ProjectOptions {
  /// As the parser makes them when nothing else is said.
  static func plain(name: String?, files: [String]) -> ProjectOptions {
    var options = ProjectOptions()
    options.file = files
    options.projectName = name
    options.projectDirectory = nil
    options.envFile = []
    options.profile = []
    options.diagnostics = .text
    options.progress = nil
    options.ansi = .auto
    options.parallel = nil
    options.compatibility = false
    options.allResources = false
    options.dryRun = false
    return options
  }
}
