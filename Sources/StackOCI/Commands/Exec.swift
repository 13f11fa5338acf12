import Glibc
import IsolationEngine
import JSONDocument
import LinuxCapabilities
import LinuxCgroup
import LinuxSystem
import SystemPackage

extension Verb {
  static let exec = Verb(
    usage: "CONTAINER cmd [argument...]",
    options: .init(
      flags: ["tty", "detach", "no-new-privs", "ignore-paused"],
      valued: [
        "console-socket", "pidfd-socket", "cwd", "env", "user", "additional-gids", "process", "pid-file",
        "process-label", "apparmor",
        "cap", "preserve-fds", "cgroup",
      ],
      letters: [
        "t": "tty", "d": "detach", "e": "env", "u": "user", "g": "additional-gids", "p": "process", "c": "cap",
      ],
      stopsAtOperand: true), entersContainers: true, failureCode: 255
  ) { arguments, context in
    try Execution(arguments, context).run()
  }
}

/// A further process in a running container.
private struct Execution {
  let arguments: Arguments
  let context: Context
  let record: ContainerRecord

  init(_ arguments: Arguments, _ context: Context) throws {
    self.arguments = arguments
    self.context = context
    guard let id = arguments.operands.first else { throw UsageError("a container ID is needed") }
    record = try context.states.record(of: id)
    let status = try context.states.status(of: record)
    if status == .paused && !arguments.has("ignore-paused") {
      throw OCIError("cannot exec in a paused container", exitCode: 255)
    }
    guard status == .running || status == .created || status == .paused else {
      throw OCIError("cannot exec in a stopped container", exitCode: 255)
    }
  }

  func run() throws -> CInt {
    let configuration = try context.states.configuration(of: record.id)
    var process = try self.process(configuration)
    let preserved = try Descriptors.preserved(arguments)
    if preserved > 0, let text = unsafe getenv("LISTEN_FDS") {
      process.set(["LISTEN_FDS=\(unsafe String(cString: text))", "LISTEN_PID=1"])
    }
    Descriptors.hideOthers(preserved)
    let consoleSocket = arguments.value("console-socket")
    let isDetached = arguments.has("detach")
    if process.hasTerminal && isDetached && consoleSocket == nil {
      throw OCIError("a detached process with a terminal needs --console-socket")
    }
    let translation = Translation(
      configuration: configuration, id: record.id, bundle: record.bundle, filters: context.states.filters)
    var specification = try translation.specification()
    specification.capabilities = try capabilities(process)
    specification.resourceLimits = process.resourceLimits
    specification.noNewPrivileges = process.noNewPrivileges
    var exec = ContainerExec(specification, initProcess: record.process, process: Translation.process(process))
    exec.listed = Translation.onThisMachine(process.user)
    exec.listed?.personality = configuration.personality
    exec.listed?.memoryPolicy = configuration.memoryPolicy
    exec.preservedDescriptors = preserved
    exec.trace = context.log.debug
    exec.subgroups = try arguments.all("cgroup").map(subgroup)
    if specification.listed?.asksListener == true {
      exec.listener = try CallListener(configuration, record, status: .running)
    }
    return try start(exec, hasTerminal: process.hasTerminal, consoleSocket, isDetached)
  }

  private func start(
    _ exec: ContainerExec, hasTerminal: Bool, _ consoleSocket: String?, _ isDetached: Bool
  ) throws -> CInt {
    var streams = ContainerExec.Streams(
      input: FileDescriptor(rawValue: 0), output: FileDescriptor(rawValue: 1), error: FileDescriptor(rawValue: 2))
    var master: SharedDescriptor?
    var slave: SharedDescriptor?
    if hasTerminal {
      let terminal = try exec.openTerminal()
      (master, slave) = (terminal.master, terminal.slave)
      let end = terminal.slave.borrowed
      if let process = exec.listed, process.uid != 0 { _ = fchown(end.rawValue, process.uid, .max) }
      streams = ContainerExec.Streams(input: end, output: end, error: end)
      if let consoleSocket {
        let socket = try LocalSocket.connect(to: Paths.absolute(consoleSocket))
        try Message.send(Array("/dev/ptmx".utf8), with: terminal.master.borrowed, over: socket.borrowed)
        master = nil
      } else {
        TerminalMode.keepNewlines(of: terminal.master.borrowed)
      }
    }
    let handle: ProcessHandle
    do throws(LaunchError) {
      handle = try exec.start(streams)
    } catch {
      throw OCIError("\(error)", exitCode: 255)
    }
    slave?.close()
    if let path = arguments.value("pidfd-socket") { try ProcessHandover.send(handle, to: Paths.absolute(path)) }
    if let path = arguments.value("pid-file") {
      try Files.replace(Paths.absolute(path), with: "\(try handle.pid)".utf8, mode: 0o644)
    }
    if isDetached { return 0 }
    return try Foreground(process: handle, terminal: master).wait().code
  }

  /// `[CONTROLLER,…:]PATH`, below the container's own group.
  private func subgroup(_ text: String) throws -> ContainerExec.Subgroup {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let names = parts.count < 2 ? [] : parts[0].split(separator: ",")
    let controllers: [CgroupController] = try names.map { name in
      guard let controller = CgroupController(rawValue: String(name)) else {
        throw OCIError("unknown controller \(name) in cgroup `\(text)`", exitCode: 255)
      }
      return controller
    }
    let path = (parts.last ?? "").split(separator: "/").map(String.init).filter { $0 != "." }
    if path.contains("..") {
      throw OCIError("bad sub cgroup path: `\(text)`: `..` components are not allowed", exitCode: 255)
    }
    return ContainerExec.Subgroup(controllers: controllers, path: path)
  }

  // MARK: The process

  /// What the document says, or the container's own process with what the options say.
  private func process(_ configuration: OCIConfiguration) throws -> OCIProcess {
    var process = configuration.process ?? OCIProcess()
    if let path = arguments.value("process") {
      let problems = Field.Problems()
      let document = try JSON(bytes: try Files.readAll(path, limit: 4 << 20))
      let own = OCIProcess(Field(value: document, place: "", problems: problems))
      if !problems.list.isEmpty { throw OCIConfigurationError(problems: problems.list) }
      return own
    }
    process.arguments = Array(arguments.operands.dropFirst())
    guard !process.arguments.isEmpty else { throw UsageError("a command is needed") }
    process.hasTerminal = arguments.has("tty")
    process.set(arguments.all("env"))
    if let directory = arguments.value("cwd") { process.workingDirectory = directory }
    if arguments.has("no-new-privs") { process.noNewPrivileges = true }
    if let text = arguments.value("user") { try read(user: text, &process.user) }
    for text in arguments.all("additional-gids") {
      guard let group = UInt32(text) else { throw UsageError("\(text) is not the number of a group") }
      process.user.groups.append(group)
    }
    if let profile = arguments.value("apparmor") { process.user.appArmorProfile = profile }
    if let label = arguments.value("process-label") { process.user.selinuxLabel = label }
    return process
  }

  private func read(user text: String, _ user: inout ListedProcess) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard let uid = parts.first.flatMap({ UInt32($0) }), parts.count <= 2 else {
      throw UsageError("\(text) is not UID[:GID]")
    }
    user.uid = uid
    if parts.count == 2 {
      guard let gid = UInt32(parts[1]) else { throw UsageError("\(text) is not UID[:GID]") }
      user.gid = gid
    }
  }

  private func capabilities(_ process: OCIProcess) throws -> CapabilityMasks {
    var masks = process.capabilities ?? CapabilityMasks()
    for name in arguments.all("cap") {
      guard let number = CapabilityName.number(of: name) else { throw UsageError("unknown capability \(name)") }
      let bit = CapabilitySet(number: number).rawValue
      masks.bounding |= bit
      masks.effective |= bit
      masks.permitted |= bit
      if masks.inheritable & bit != 0 { masks.ambient |= bit }
    }
    return Translation.available(masks)
  }
}
