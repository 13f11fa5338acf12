import Glibc
import IsolationEngine
import JSONDocument
import LinuxMounts
import LinuxSystem
import SystemPackage

/// The command line of OCI runtimes: `stack-oci`, or `stack oci`.
package enum OCICommand {
  /// `stack-oci`, or the name of another runtime that the program is installed as, for engines that go by it.
  package static var programName: String { dialect.rawValue }

  static var dialect: Dialect { dialect(of: CommandLine.arguments.first) ?? .own }

  private static func dialect(of program: String?) -> Dialect? {
    program?.split(separator: "/").last.flatMap { Dialect(rawValue: String($0)) }
  }

  /// Whether the program was started under one of these names.
  package static func isMeant(by program: String?) -> Bool { dialect(of: program) != nil }

  /// Runs a command, with the arguments after the program's name.
  package static func main(_ arguments: [String], version: String) -> Never {
    var context = Context()
    var failureCode: CInt = 1
    var command: String?
    do {
      let global = try Arguments(globalOptions, arguments)
      try context.read(global)
      if global.has("version") || global.operands.first == "version" { finish(text(version: version)) }
      guard let name = global.operands.first, !global.has("help"), name != "help" else { finish(help) }
      guard let verb = verbs[name] else {
        let asksHelp = global.operands.dropFirst().contains { ["-h", "--help"].contains($0) }
        throw UsageError(asksHelp ? "No help topic for '\(name)'" : "unknown command \(name)")
      }
      let options = with(verb.options) {
        $0.flags.insert("help")
        $0.letters["h"] = "help"
      }
      let parsed = try Arguments(options, global.operands.dropFirst())
      if parsed.has("help") { finish(help(of: verb, named: name)) }
      failureCode = verb.failureCode
      command = name
      if verb.entersContainers { try OwnProgram.moveOutOfReach(CommandLine.arguments) }
      exit(try verb.run(parsed, context))
    } catch {
      // That a program cannot be executed is told as by the shell that would have done it: by its name alone.
      let isOfProgram = ((error as? LaunchError)?.exitCode ?? 125) > 125
      context.log.report(dialect.text(of: error, command: command), isPlain: isOfProgram)
      exit((error as? OCIError)?.exitCode ?? failureCode)
    }
  }

  private static func with(_ options: Arguments.Options, _ change: (inout Arguments.Options) -> Void)
    -> Arguments.Options
  {
    var options = options
    change(&options)
    return options
  }

  private static func finish(_ text: String) -> Never {
    Output.write(text)
    exit(0)
  }

  private static let globalOptions = Arguments.Options(
    flags: ["debug", "systemd-cgroup", "version", "help"],
    valued: ["root", "log", "log-format", "log-level", "cgroup-manager", "rootless", "criu"],
    letters: ["v": "version", "h": "help"], stopsAtOperand: true)

  private static func text(version: String) -> String {
    """
    \(programName) version \(version)
    commit: v\(version)
    spec: \(ContainerRecord.specificationVersion)
    \(dialect.features)
    """
  }

  private static func help(of verb: Verb, named name: String) -> String {
    let options = verb.options.flags.map { "--\($0)" } + verb.options.valued.map { "--\($0) VALUE" }
    return """
      NAME:
         \(programName) \(name)

      Usage: \(programName) [OPTION...] \(name) \(verb.usage)

      OPTIONS:
      \(options.sorted().map { "   \($0)\n" }.joined())
      """
  }

  private static var help: String {
    """
    NAME:
       \(programName) - Open Container Initiative runtime: runs containers that bundles describe

    USAGE:
       \(programName) [OPTION...] COMMAND [OPTION...]

    Commands:
    \(verbs.filter { $0.value.isOffered }.keys.sorted().map { "  \($0)" }.joined(separator: "\n"))

    Options:
      --root DIR           where containers are kept (\(Context.defaultRoot))
      --log FILE           where errors are written to, beside standard error
      --log-format FORMAT  text or json
      --debug              tells how far a command has come
      --version

    """
  }

  static let verbs: [String: Verb] = [
    "create": .create, "start": .start, "run": .run, "state": .state, "kill": .kill, "delete": .delete, "exec": .exec,
    "pause": .pause, "resume": .resume, "ps": .ps, "list": .list, "update": .update, "events": .events,
    "features": .features, "spec": .spec, "checkpoint": .checkpoint, "restore": .restore,
  ]
}

/// One command.
struct Verb {
  var usage: String
  var options: Arguments.Options
  /// A process of the command becomes the program of a container: that must not get at the command's own (CVE-2019-5736).
  var entersContainers = false
  /// The exit status of a failure of the command's own: one that ends as another program does keeps out of its way.
  var failureCode: CInt = 1
  /// Whether it does anything but say that it does not.
  var isOffered = true
  /// - Returns: the exit status.
  var run: @Sendable (Arguments, Context) throws -> CInt
}

/// What all commands share.
struct Context {
  static let defaultRoot = "/run/stack-oci"

  var states = StateDirectory(path: Self.defaultRoot)
  var log = Log()

  mutating func read(_ arguments: Arguments) throws {
    if let root = arguments.value("root") { states = StateDirectory(path: Paths.absolute(root), isChosen: true) }
    log.isDebug = arguments.has("debug") || arguments.value("log-level") == "debug"
    if let format = arguments.value("log-format") {
      guard ["text", "json"].contains(format) else { throw UsageError("unknown log format \(format)") }
      log.isJSON = format == "json"
    }
    if let path = arguments.value("log") {
      do throws(SystemCallError) {
        log.file = SharedDescriptor(try Files.open(path, O_WRONLY | O_APPEND | O_CREAT, mode: 0o644))
      } catch {
        throw OCIError("--log \(path): \(error.errno)")
      }
    }
  }
}

enum Paths {
  /// The path from the root on: the working directory may change later.
  static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    guard let directory = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(directory) }
    let base = unsafe String(cString: directory)
    return path == "." ? base : "\(base)/\(path)"
  }
}

enum Output {
  static func write(_ text: String) {
    // Best effort: nobody reads it, then.
    try? Files.writeAll(FileDescriptor(rawValue: 1), text.utf8)
  }
}

/// Where failures are told, and with `--debug` how far a command has come.
struct Log {
  var file: SharedDescriptor?
  var isJSON = false
  var isDebug = false

  /// - Parameter isPlain: without the name of the command.
  func report(_ message: String, isPlain: Bool = false) {
    let name = isPlain ? "" : "\(OCICommand.programName): "
    // Best effort: there is nowhere else to say it.
    try? Files.writeAll(FileDescriptor(rawValue: 2), "\(name)\(message)\n".utf8)
    if let file { write(message, level: "error", to: file.borrowed) }
  }

  func warn(_ message: String) {
    write(message, level: "warning", to: file?.borrowed ?? FileDescriptor(rawValue: 2))
  }

  func debug(_ message: String) {
    if isDebug { write(message, level: "debug", to: file?.borrowed ?? FileDescriptor(rawValue: 2)) }
  }

  private func write(_ message: String, level: String, to output: FileDescriptor) {
    let time = Timestamp.now()
    let line =
      isJSON
      ? JSON.record(["level": .string(level), "msg": .string(message), "time": .string(time)]).text()
      : "time=\"\(time)\" level=\(level) msg=\(JSON.string(message).text())"
    // Best effort, as above.
    try? Files.writeAll(output, "\(line)\n".utf8)
  }
}
