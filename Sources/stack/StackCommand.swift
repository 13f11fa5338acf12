import ArgumentParser
import StackFile

/// The root of the command line.
struct StackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stack",
    abstract: "Groups of isolated services, up in milliseconds, without a daemon.",
    discussion: """
      Files: stack.yaml, or compose.yaml and its other names, in this directory or one above it.
      `stack oci`, or the name stack-oci for this file, has the command line of OCI runtimes; `stack oci --help` lists it.
      Before the command, --verbose, --debug and -D are accepted; a flag may have a value, as in --wait=false.
      State: STACK_RUN_DIR (default /run/stack) and STACK_DATA_DIR (default /var/lib/stack).
      Exit codes: 0 success, 1 failure, 2 usage, 3 invalid stack file, 4 no such image, 5 the host refuses, 130 interrupted.
      """,
    version: Version.text,
    subcommands: [
      UpCommand.self, DownCommand.self, CreateCommand.self, StartCommand.self, StopCommand.self, RestartCommand.self,
      KillCommand.self, PauseCommand.self, UnpauseCommand.self, RemoveCommand.self, ScaleCommand.self, WaitCommand.self,
      ListCommand.self, TopCommand.self, StatsCommand.self, PortCommand.self, RunCommand.self, TestCommand.self,
      EventsCommand.self, ImagesCommand.self, VolumesCommand.self, LogsCommand.self,
      PsCommand.self, CopyCommand.self, AttachCommand.self, ExportCommand.self, CommitCommand.self,
      ExecCommand.self,
      ConfigCommand.self, InspectCommand.self, ImageCommand.self, SeccompCommand.self, SchemaCommand.self,
      CompletionCommand.self,
      VersionCommand.self,
    ])
}

extension StackCommand {
  /// The subcommand, parsed without the tree that it is in, which the parser would look through at the cost of a millisecond.
  ///
  /// - Returns: nil when that is not enough, as for help, mistakes and subcommands of subcommands.
  static func parsedAlone(_ arguments: [String]) -> (any ParsableCommand)? {
    guard let name = arguments.first,
      let subcommand = configuration.subcommands.first(where: { $0.configuration.commandName == name }),
      subcommand.configuration.subcommands.isEmpty
    else { return nil }
    // What is wrong, or how it is used, says the parser of the whole tree.
    guard let command = try? subcommand.parseAsRoot(Array(arguments.dropFirst())), type(of: command) == subcommand
    else { return nil }
    return command
  }
}

/// Options that docker compose takes before the subcommand, and this command takes on either side of it.
struct GlobalOptions: ParsableArguments {
  @Option(name: .short, help: ArgumentHelp("The same as --file.", valueName: "path"))
  var f: [String] = []

  @OptionGroup var named: NamedProjectOptions
}

/// Those of them that no command but `run` takes for something else: without `-f`.
struct NamedProjectOptions: ParsableArguments {
  @Option(name: .short, help: ArgumentHelp("The same as --project-name.", valueName: "name"))
  var p: String?

  @OptionGroup var project: ProjectOptions
}

/// The options that say which stack is meant, by their long names.
struct ProjectOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A stack file; - is standard input.", valueName: "path"))
  var file: [String] = []

  @Option(help: "The project name, instead of the file's or the directory's.")
  var projectName: String?

  @Option(help: "Where relative paths start, instead of the directory of the file.")
  var projectDirectory: String?

  @Option(help: "A file with variables for the stack file, instead of .env.")
  var envFile: [String] = []

  @Option(help: ArgumentHelp("A profile whose services are part of the stack; * is all.", valueName: "name"))
  var profile: [String] = []

  @Option(help: "How to report what is wrong with the file: text, json, github or sarif.")
  var diagnostics = DiagnosticFormat.text

  @Option(help: "How to show progress: auto, tty, plain, quiet or json.")
  var progress: ProgressStyle?

  @Option(help: "When to use colour: auto, always or never.")
  var ansi: ColourChoice = .auto

  @Option(help: ArgumentHelp("Accepted: what is independent is always done at the same time.", valueName: "number"))
  var parallel: Int?

  @Flag(help: "Only say what would be done; what changes nothing is done.") var dryRun = false
  @Flag(help: "Accepted: names are what they are for docker compose 2 and later.") var compatibility = false
  @Flag(help: "Accepted: the networks of the file are made whether or not a service uses them.") var allResources =
    false
}

extension DiagnosticFormat: ExpressibleByArgument {}

enum ColourChoice: String, ExpressibleByArgument, CaseIterable {
  case auto, always, never
}

/// Moves global options that stand before the subcommand behind it, where the parser expects them.
enum GlobalArguments {
  private static let withValue: Set<String> = [
    "-f", "--file", "-p", "--project-name", "--project-directory", "--env-file", "--profile", "--diagnostics",
    "--progress", "--ansi", "--parallel",
  ]
  private static let flags: Set<String> = ["--dry-run", "--compatibility", "--all-resources"]
  /// Accepted: nothing more is said for them.
  private static let ignored: Set<String> = ["--verbose", "--debug", "-D"]

  static func hoisted(_ arguments: [String]) -> [String] {
    var leading: [String] = []
    var rest = arguments[...]
    if rest.first == "-v" { return ["--version"] }
    while let first = rest.first, first.hasPrefix("-") {
      let name = first.split(separator: "=", maxSplits: 1).first.map(String.init) ?? first
      if ignored.contains(name) {
        rest.removeFirst()
        continue
      }
      let isAttached = first.hasPrefix("-f") && first.count > 2 || first.hasPrefix("-p") && first.count > 2
      guard withValue.contains(name) || flags.contains(name) || isAttached else { break }
      let option = rest.removeFirst()
      // Behind the subcommand the short names may mean something else.
      switch (option.prefix(2), String(option.dropFirst(2))) {
      case ("-f", let value): leading += ["--file"] + (value.isEmpty ? [] : [value])
      case ("-p", let value): leading += ["--project-name"] + (value.isEmpty ? [] : [value])
      default: leading.append(option)
      }
      if withValue.contains(first), let value = rest.popFirst() { leading.append(value) }
    }
    guard let command = rest.popFirst() else { return leading + rest }
    // `image` and its like have subcommands of their own and no project.
    return FlagValues.resolved([command] + leading + rest)
  }
}
