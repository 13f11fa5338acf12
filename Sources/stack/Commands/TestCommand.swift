import ArgumentParser
import Glibc
import IsolationEngine
import LinuxSystem
import StackEngine
import StackFile
import StackModel
import StackStore
import SystemPackage

struct TestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Bring a stack up, run a command when it is ready, and take it down.",
    discussion: """
      Each run is a stack of its own, so that several run at the same time. The command runs on the machine, with \
      STACK_<SERVICE>_HOST and STACK_<SERVICE>_PORT_<PORT> in its environment, or with --net in a place on the stack's networks: \
      there it reaches services by their names and own ports, and nothing is published. Ends with the command's exit code. \
      Nothing is left, also when this command is killed.
      """)

  @OptionGroup var global: ProjectOptions
  @Flag(help: "Run the command on the stack's networks, with the machine's file system.") var net = false
  @Flag(help: "Accepted: the command is run when all services are ready.") var wait = false
  @Option(help: "Seconds to wait for that.") var waitTimeout: Int?
  @Flag(help: "Leave the stack as it is at the end.") var keep = false
  @Option(help: "Where to write what is worth keeping of a failure: a report, and all logs.") var report: String?
  @Option(name: [.short, .long], help: "Seconds to wait for services to stop.") var timeout: Int?
  @OptionGroup var timings: TimingsOptions
  @Argument(parsing: .captureForPassthrough, help: "The command, after --.") var command: [String] = []

  func run() throws {
    if let word = command.first, ["--help", "-h"].contains(word) { throw CleanExit.helpRequest(self) }
    let words = command.first == "--" ? Array(command.dropFirst()) : command
    guard !words.isEmpty else { throw ValidationError("there is no command: stack test -- COMMAND") }
    let project = Project(global)
    try project.refuseDryRun()
    var stack = try project.stack()
    // Read again, so that everything has a name of its own: also networks and volumes, whose names begin with the project's.
    if global.projectName == nil {
      let name = "\(stack.name)-test-\(String(getpid(), radix: 36))"
      guard let renamed = project.load(warns: false, { $0.projectName = name }).stack else { throw ExitCode(3) }
      stack = renamed
    }
    let asked = stack.services
    if net { for index in stack.services.indices { stack.services[index].ports = [] } }
    let signals = try SignalDescriptor([SIGINT, SIGTERM, SIGHUP, SIGQUIT])
    var code: Int32 = 0
    try project.reporting {
      do {
        code = try run(words, in: stack, asked, project, signals)
      } catch {
        try? takeDown(stack.name, project)
        throw error
      }
      if code != 0 { try reportFailure(of: stack.name, words, code, project) }
      try takeDown(stack.name, project)
    }
    if code != 0 { throw ExitCode(code) }
  }

  private func run(
    _ words: [String], in stack: Stack, _ asked: [Service], _ project: Project,
    _ signals: SignalDescriptor
  ) throws -> Int32 {
    var options = UpOptions()
    options.waits = true
    options.waitTimeout = waitTimeout
    options.owner = keep ? nil : try ProcessIdentity.current()
    options.keepsOnFailure = keep
    let place = try timings.taken(project) { timings -> TestNetwork? in
      let engine = project.engine(reportingTo: report, timings: timings)
      if net { return try engine.upWithPlace(stack, options, interruption: signals.descriptor) }
      try engine.up(stack, options, interruption: signals.descriptor)
      return nil
    }
    let program = NetworkedProgram(
      words, environment: try environment(stack, asked, project), interfaces: place?.interfaces,
      files: place?.files ?? [])
    let process: ProcessHandle
    do {
      process = try program.start()
    } catch let error as LaunchError {
      project.terminal.error("stack: \(error)\n")
      return error.exitCode
    }
    while !process.hasEnded {
      _ = try Polling.readable([process.descriptor, signals.descriptor])
      // What is typed at the terminal reaches the command by itself; what was sent to this process does so here.
      while let signal = signals.next() { try process.signal(signal) }
    }
    return try process.reap().code
  }

  /// - Parameter asked: the services as the file has them, with their ports.
  private func environment(_ stack: Stack, _ asked: [Service], _ project: Project) throws -> [String] {
    let containers = try project.engine.containers(of: stack.name, services: [])
    var values = project.environment
    values["STACK_PROJECT_NAME"] = stack.name
    if net {
      for service in asked where service.number == 1 {
        let name = "STACK_\(StackEnvironment.variableName(service.serviceName))"
        values["\(name)_HOST"] = service.serviceName
        for port in service.ports { values["\(name)_PORT_\(port.containerPort)"] = "\(port.containerPort)" }
      }
    }
    for variable in StackEnvironment(containers).variables(prefix: "STACK_") { values[variable.name] = variable.value }
    return values.map { "\($0.key)=\($0.value)" }.sorted()
  }

  private func reportFailure(of name: String, _ words: [String], _ code: Int32, _ project: Project) throws {
    let containers = try project.engine.containers(of: name, services: [])
    let failure = FailureReport(containers, command: "\(words.joined(separator: " ")) ended with code \(code)")
    project.terminal.error(failure.text)
    if project.isGitHubActions { project.terminal.write(failure.annotations) }
    if let report { try failure.write(to: report, containers) }
  }

  private func takeDown(_ name: String, _ project: Project) throws {
    if keep {
      return project.terminal.error("stack \(name) is kept: stack -p \(name) down -v takes it down\n")
    }
    var options = DownOptions()
    options.removesVolumes = true
    options.timeout = timeout
    try project.engine.down(name, options)
  }
}
