import Glibc
import IsolationEngine
import JSONDocument
import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem
import SystemPackage

/// Making a container from a bundle, up to where it waits for its start.
struct Creation {
  let id: String
  let bundle: String
  let configurationPath: String
  let consoleSocket: String?
  let pidFile: String?
  /// Where a pidfd of the first process is sent.
  let handleSocket: String?
  let options: LaunchOptions
  /// The command stays, and gives the container its own terminal.
  let isForeground: Bool
  let context: Context

  static let valued: Set<String> = [
    "bundle", "config", "console-socket", "pid-file", "pidfd-socket", "preserve-fds",
  ]
  static let flags: Set<String> = ["no-pivot", "no-new-keyring", "no-subreaper"]
  static let letters = ["b": "bundle", "f": "config"]

  init(_ arguments: Arguments, _ context: Context, isForeground: Bool) throws {
    id = try arguments.container()
    bundle = Paths.absolute(arguments.value("bundle") ?? ".")
    let name = arguments.value("config") ?? "config.json"
    configurationPath = name.hasPrefix("/") ? name : "\(bundle)/\(name)"
    consoleSocket = arguments.value("console-socket").map(Paths.absolute)
    pidFile = arguments.value("pid-file").map(Paths.absolute)
    handleSocket = arguments.value("pidfd-socket").map(Paths.absolute)
    var options = LaunchOptions()
    options.outlivesCaller = true
    options.avoidsPivot = arguments.has("no-pivot")
    options.preservedDescriptors = try Descriptors.preserved(arguments)
    options.trace = context.log.debug
    self.options = options
    self.isForeground = isForeground
    self.context = context
  }

  struct Created {
    var record: ContainerRecord
    var running: RunningContainer
    var hooks: OCIHooks
    var hookOutput: HookOutput
    var terminal: SharedDescriptor?
  }

  func make() throws -> Created {
    try StateDirectory.check(id)
    let bytes = try readConfiguration()
    var configuration = try OCIConfiguration(bytes: bytes)
    Descriptors.announce(&configuration)
    let readiness = ReadinessSocket(context.states, of: id)
    readiness?.announce(&configuration)
    if isForeground && configuration.process == nil { throw OCIError("process is missing in config.json") }
    let hasTerminal = configuration.process?.hasTerminal ?? false
    if hasTerminal && !isForeground && consoleSocket == nil {
      throw OCIError("a container with a terminal needs --console-socket")
    }
    if !hasTerminal && consoleSocket != nil {
      throw OCIError("--console-socket is only for a container with a terminal")
    }
    Descriptors.hideOthers(options.preservedDescriptors)
    let translation = Translation(
      configuration: configuration, id: id, bundle: bundle, filters: context.states.filters)
    var specification = try translation.specification()
    if context.log.isDebug, let bytes = specification.seccomp {
      let flags = try CompiledFilter(wireBytes: bytes).flags.rawValue
      // SECCOMP_FILTER_FLAG_NEW_LISTENER is how it is loaded.
      context.log.debug("seccomp filter flags: \(specification.listed?.asksListener == true ? flags | 1 << 3 : flags)")
    }
    let wanted = configuration.process?.capabilities?.ambient ?? 0
    for name in CapabilitySet(rawValue: wanted & ~specification.capabilities.ambient).members {
      context.log.warn("can't raise ambient capability \(name): it is not permitted and inheritable")
    }
    specification.listed?.scratch = context.states.directory(of: id)
    let console = try consoleSocket.map { SharedDescriptor(try LocalSocket.connect(to: $0)) }
    try context.states.claim(id)
    do {
      try readiness?.prepare()
      return try launch(specification, configuration, bytes, console)
    } catch {
      // Best effort: the failure to report is the first one.
      try? CommonGroup.removeEmpty(above: specification.cgroup.path)
      try? context.states.remove(id)
      throw error
    }
  }

  private func readConfiguration() throws -> [UInt8] {
    do throws(SystemCallError) {
      return try Files.readAll(configurationPath, limit: 16 << 20)
    } catch {
      throw OCIError("\(configurationPath): \(error.errno)")
    }
  }

  private func launch(
    _ specification: ContainerSpecification, _ configuration: OCIConfiguration, _ bytes: [UInt8],
    _ console: SharedDescriptor?
  ) throws -> Created {
    let hooks = configuration.hooks
    var options = options
    if isForeground {
      options.gate = .closed
    } else {
      options.gate = .listening(try context.states.listen(for: id))
    }
    var record = ContainerRecord(
      id: id, bundle: bundle, rootDirectory: specification.directory, process: try ProcessIdentity.current(),
      annotations: configuration.annotations, cgroup: specification.cgroup.path)
    record.hasLaterHooks = !hooks.poststart.isEmpty || !hooks.poststop.isEmpty
    record.hasProgram = configuration.process != nil
    record.sharesProcesses = configuration.namespaces.pid != .own
    options.hooks.output = try HookOutput(configuration.annotations)
    options.hooks.prestart = hooks.prestart
    options.hooks.createRuntime = hooks.createRuntime
    options.hooks.createContainer = hooks.createContainer
    options.hooks.startInRoot = OCICommand.dialect.hooksStartInRoot
    options.hooks.startContainer = hooks.startContainer
    let told = record
    options.hooks.input = { pid in Array(JSON.object(told.state(.created, pid: pid)).text().utf8) }
    if specification.listed?.asksListener == true {
      options.listener = try CallListener(configuration, record, status: .creating)
    }
    let streams = try (0..<3).map { number in
      SharedDescriptor(try OwnedDescriptor(duplicating: FileDescriptor(rawValue: number)))
    }
    let running = try ContainerLaunch(specification, options).start(streams)
    do {
      var terminal: SharedDescriptor?
      if case .terminal(let master) = running.output {
        if let console {
          try Message.send(Array("/dev/ptmx".utf8), with: master.borrowed, over: console.borrowed)
        } else {
          TerminalMode.keepNewlines(of: master.borrowed)
          terminal = master
        }
      }
      record.process = running.identity
      try context.states.write(record, configuration: bytes)
      if let handleSocket { try ProcessHandover.send(running.process, to: handleSocket) }
      if let pidFile { try Files.replace(pidFile, with: "\(running.identity.pid)".utf8, mode: 0o644) }
      return Created(
        record: record, running: running, hooks: hooks, hookOutput: options.hooks.output, terminal: terminal)
    } catch {
      // Best effort, as above: the process is our child.
      try? running.process.signal(SIGKILL)
      _ = try? running.process.reap()
      throw error
    }
  }
}

enum ProcessHandover {
  /// Sends a pidfd to who listens there.
  static func send(_ process: ProcessHandle, to path: String) throws {
    let socket = try LocalSocket.connect(to: path)
    try Message.send(Array("pidfd".utf8), with: process.descriptor, over: socket.borrowed)
  }
}

extension HookOutput {
  /// The files that annotations name, which hooks write to instead of the caller's streams.
  init(_ annotations: [String: String]) throws(SystemCallError) {
    self.init()
    let flags = O_WRONLY | O_APPEND | O_CREAT
    if let path = annotations[Annotation.hookOutput] {
      output = SharedDescriptor(try Files.open(path, flags, mode: 0o644))
    }
    if let path = annotations[Annotation.hookErrors] {
      error = SharedDescriptor(try Files.open(path, flags, mode: 0o644))
    }
  }
}

extension CallListener {
  /// Connects to who is asked, who is told the container process state of the runtime specification.
  init(_ configuration: OCIConfiguration, _ record: ContainerRecord, status: ContainerStatus) throws {
    guard let path = configuration.listenerPath else { throw OCIError("SCMP_ACT_NOTIFY needs listenerPath") }
    let metadata = configuration.listenerMetadata
    let socket: SharedDescriptor
    do {
      socket = SharedDescriptor(try LocalSocket.connect(to: path))
    } catch {
      throw OCIError("failed to connect with seccomp agent: \(error)")
    }
    self.init(socket: socket) { pid in
      // An executed process has another number than the container.
      let container = status == .creating ? pid : record.process.pid
      let state: JSON = .record([
        "ociVersion": .string(OCICommand.dialect.listenerVersion), "fds": .strings(["seccompFd"]),
        "pid": .integer(pid), "metadata": metadata.map { .string($0) },
        "state": .object(record.state(status, pid: container)),
      ])
      return Array(state.text().utf8)
    }
  }
}

/// Descriptors that a caller hands to a container's program.
enum Descriptors {
  /// Those of `--preserve-fds`, and before them those of socket activation (sd_listen_fds(3)).
  static func preserved(_ arguments: Arguments) throws -> Int {
    var count = 0
    if let text = arguments.value("preserve-fds") {
      guard let number = Int(text), (0...65536).contains(number) else {
        throw UsageError("--preserve-fds is not a number of descriptors")
      }
      count = number
    }
    return count + activated
  }

  private static var activated: Int {
    guard let text = unsafe getenv("LISTEN_FDS"), let count = unsafe Int(String(cString: text)) else { return 0 }
    return (0...1024).contains(count) ? count : 0
  }

  /// Tells the program of its sockets.
  static func announce(_ configuration: inout OCIConfiguration) {
    if activated > 0 { configuration.process?.environment += ["LISTEN_FDS=\(activated)", "LISTEN_PID=1"] }
  }

  /// Nothing else that the caller has open reaches the container, not even its process that waits for the start.
  static func hideOthers(_ preserved: Int) {
    DescriptorTable.closeInherited(from: 3 + preserved)
  }
}
