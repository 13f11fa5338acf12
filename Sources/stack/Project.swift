import ArgumentParser
import Glibc
import LinuxSystem
import StackEngine
import StackFile
import StackModel
import StackStore
import SystemPackage

/// What a command works on: the stack file, or only the project's name where the state is enough.
struct Project {
  let options: ProjectOptions
  let files: [String]
  let terminal: TerminalOutput
  let environment: [String: String]

  init(_ options: GlobalOptions) {
    self.init(options.named, files: options.f)
  }

  init(_ named: NamedProjectOptions, files: [String] = []) {
    var options = named.project
    options.projectName = named.p ?? options.projectName
    self.init(options, files: files)
  }

  init(_ options: ProjectOptions, files: [String] = []) {
    self.options = options
    self.files = options.file + files
    environment = ProcessEnvironment.variables
    terminal = TerminalOutput(colour: options.ansi, environment: environment)
  }

  /// Whether this is a step of a run there, whose page shows what is marked.
  var isGitHubActions: Bool { environment["GITHUB_ACTIONS"] == "true" }

  var paths: StatePaths { StatePaths(environment: environment) }

  /// The engine on the project's state.
  var engine: Engine { engine(reportingTo: nil) }

  /// - Parameters:
  ///   - directory: where the report of a failure is written too.
  ///   - timings: who else is told of progress.
  func engine(reportingTo directory: String?, timings: Timings? = nil) -> Engine {
    Engine(
      paths: paths,
      observer: CommandProgress(
        terminal: terminal, style: progress.observer(terminal), timings: timings,
        annotates: isGitHubActions, reportDirectory: directory),
      caller: Caller(environment: environment))
  }

  /// How progress is shown: as the option says, or a variable; else as standard error is.
  var progress: ProgressStyle {
    let named = ["STACK_PROGRESS", "COMPOSE_PROGRESS"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    let style = options.progress ?? named.flatMap(ProgressStyle.init(rawValue:)) ?? .auto
    return style == .auto ? .detected(environment, ansi: options.ansi) : style
  }

  private static func read(_ path: String) -> Result<[UInt8], SourceReadError> {
    do throws(SystemCallError) {
      return .success(path == "-" ? try Files.readAll(.standardInput) : try Files.readAll(path))
    } catch {
      switch error.errno {
      case .noSuchFileOrDirectory, .notDirectory: return .failure(.notFound)
      case .isDirectory: return .failure(.isDirectory)
      case let reason: return .failure(.other("\(reason)"))
      }
    }
  }

  /// Loads the stack file; what is wrong with it goes to standard error.
  /// - Parameters:
  ///   - services: those that are asked for by name; their profiles are active.
  ///   - warns: whether that goes for what is no error too.
  ///   - reports: whether anything is said at all.
  ///   - change: what else to ask for.
  func load(
    services: [String] = [], warns: Bool = true, reports: Bool = true, _ change: (inout LoadRequest) -> Void = { _ in }
  ) -> LoadResult {
    // Looking for a file reads it, and then it is read: both are to see the same.
    var seen: [String: Result<[UInt8], SourceReadError>] = [:]
    let loader = StackFileLoader { path in
      if let result = seen[path] { return result }
      let result = Self.read(path)
      seen[path] = result
      return result
    }
    var request = LoadRequest(
      files: files, workingDirectory: workingDirectory, projectName: options.projectName,
      projectDirectory: options.projectDirectory, envFiles: options.envFile, profiles: options.profile,
      services: services, environment: environment)
    change(&request)
    let result = loader.load(request)
    if reports && (warns || result.document == nil) {
      terminal.error(
        options.diagnostics.render(
          result.diagnostics, color: terminal.usesColourOnError, version: Version.text))
    }
    return result
  }

  /// - Throws: `ExitCode` 3 when there is an error in the file.
  func stack(services: [String] = [], warns: Bool = true) throws -> Stack {
    guard let stack = load(services: services, warns: warns).stack else { throw ExitCode(3) }
    return stack
  }

  /// The stack, and what is to become of containers that belong to none of its services (`COMPOSE_REMOVE_ORPHANS`,
  /// `COMPOSE_IGNORE_ORPHANS`).
  func stackAndOrphans(
    services: [String] = [], removed: Bool = false, images: ImageOptions? = nil
  ) throws -> (stack: Stack, orphans: Orphans) {
    let result = load(services: services)
    guard let stack = result.stack else { throw ExitCode(3) }
    try reporting { try images?.check(result, self) }
    func isSet(_ name: String) -> Bool {
      let setting = ["STACK_", "COMPOSE_"].lazy.compactMap { result.variables[$0 + name] }.first
      return ["1", "true", "yes"].contains(setting?.lowercased() ?? "")
    }
    if removed || isSet("REMOVE_ORPHANS") { return (stack, .removed) }
    return (stack, isSet("IGNORE_ORPHANS") ? .ignored : .named)
  }

  enum Orphans { case named, ignored, removed }

  /// The services to act on among those that are named: those that have containers; empty is all.
  /// - Returns: nil when the file has all of them, and none has a container.
  func acting(on services: [String], of name: String) throws -> [String]? {
    if services.isEmpty { return [] }
    let present = Set(try paths.project(name).statuses().compactMap { $0.record?.service })
    let absent = services.filter { !present.contains($0) }
    if !absent.isEmpty {
      let known = load(services: absent, warns: false).stack?.services.map(\.name) ?? []
      let unknown = absent.filter { !known.contains($0) }
      if !unknown.isEmpty {
        throw EngineError(.failure, unknown.map { EngineError.Problem(nil, "no such service: \($0)") })
      }
    }
    let acting = services.filter(present.contains)
    return acting.isEmpty ? nil : acting
  }

  /// The project's name: that of the options or the environment without reading a file, else the file's.
  func name() throws -> String {
    if let name = options.projectName { return try valid(name) }
    // What is not acted on was said by `up`.
    return try nameWithoutFile() ?? stack(warns: false).name
  }

  /// The same where nothing else of the file matters: what does not keep its name from being read is no error.
  func nameAlone() throws -> String {
    if let name = options.projectName { return try valid(name) }
    if let name = try nameWithoutFile() { return name }
    if let name = load(reports: false, { $0.wantsOnlyName = true }).name { return name }
    return try stack(warns: false).name
  }

  /// The name of the options or the environment, where no file is given.
  func nameWithoutFile() throws -> String? {
    guard files.isEmpty else { return nil }
    if let name = options.projectName { return try valid(name) }
    for variable in ["STACK_PROJECT_NAME", "COMPOSE_PROJECT_NAME"] {
      if let name = environment[variable], !name.isEmpty { return try valid(name) }
    }
    return nil
  }

  private func valid(_ name: String) throws -> String {
    if ProjectName.isValid(name) { return name }
    terminal.error("stack: \"\(name)\" is not a project name\n  \(ProjectName.hint)\n")
    throw ExitCode(2)
  }

  private var workingDirectory: String {
    // The directory may have been removed under the shell: `.` then says so when it is used.
    (try? Files.readLink("/proc/self/cwd")) ?? "."
  }
}

/// The variables of this process.
enum ProcessEnvironment {
  static var variables: [String: String] {
    let bytes: [UInt8]
    do {
      bytes = try Files.readAll("/proc/self/environ")
    } catch {
      // Without it this would work on another state than the one that is meant.
      try? Files.writeAll(.standardError, "stack: cannot read the environment: \(error)\n".utf8)
      exit(1)
    }
    var variables: [String: String] = [:]
    for entry in bytes.split(separator: 0) {
      let parts = entry.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { continue }
      variables[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
    }
    return variables
  }
}

extension Project {
  /// Runs an operation on those of the named services that there are, all if none is named; nothing is done when none of
  /// them is there. What is wrong is reported.
  /// - Parameter absent: what is done instead when none of them is there.
  func acting(
    on services: [String], absent: () throws -> Void = {},
    _ operation: (_ name: String, _ services: [String]) throws -> Void
  ) throws {
    let name = try name()
    try reporting {
      guard let services = try acting(on: services, of: name) else { return try absent() }
      try operation(name, services)
    }
  }

  /// Runs an operation; what is wrong goes to standard error, and its kind is the exit code.
  func reporting(_ operation: () throws -> Void) throws {
    do {
      try operation()
    } catch let error as EngineError {
      for problem in error.problems {
        let subject = problem.subject.map { "\($0): " } ?? ""
        terminal.error("stack: \(subject)\(problem.message)\n")
      }
      if error.kind == .failure { hintAtRoot() }
      throw ExitCode(error.kind.rawValue)
    } catch let error as ExitCode {
      throw error
    } catch let error as ValidationError {
      // A mistake of the command line, which is reported as one.
      throw error
    } catch {
      terminal.error("stack: \(error)\n")
      hintAtRoot()
      throw ExitCode(1)
    }
  }

  private func hintAtRoot() {
    if geteuid() != 0 { terminal.error("  the state of stacks is root's: run this command with sudo\n") }
  }
}
