import CLinuxShim
import Glibc
import LinuxCgroup
import LinuxMounts
import LinuxNetlink
import LinuxSystem
import SystemPackage

/// A container's first process as its parent sees it.
package struct RunningContainer {
  package let process: ProcessHandle
  package let identity: ProcessIdentity
  package let output: ContainerOutput
  /// A process beside it, which ends after it; to be waited for by the caller.
  package let recorder: ProcessHandle?
  /// Where its standard input is written: a terminal, or a pipe of a container that keeps its input; nil otherwise.
  package let input: SharedDescriptor?
  /// Where the process waits, when it does.
  fileprivate let channel: SharedDescriptor?
  fileprivate let trace: (String) -> Void

  /// Lets a container go on that waits at a closed gate, and returns once its program is being executed.
  package func begin() throws(LaunchError) {
    guard let channel else { return }
    try attempt("tell the container to go on") { try Message.send(identity.pid.wireBytes, over: channel.borrowed) }
    try ContainerLaunch.waitForProgram(over: channel.borrowed, trace)
  }
}

/// Where a container's output can be read.
package enum ContainerOutput {
  case pipes(output: SharedDescriptor, error: SharedDescriptor)
  /// The master of the container's terminal: both streams, and its input.
  case terminal(SharedDescriptor)
  /// Somewhere else: the container was given streams of the caller's.
  case given
}

/// Starting a container: the parent's half.
///
/// The calling process must be single-threaded, and have CAP_SYS_ADMIN, CAP_NET_ADMIN and the usual rights of root. It
/// becomes the parent of the container's first process, which is killed when the calling process ends.
package struct ContainerLaunch {
  let container: ContainerSpecification
  let options: LaunchOptions
  private let mappings: SharedMappings

  /// - Parameter mappings: what was made for others with the same mapping.
  package init(
    _ container: ContainerSpecification, _ options: LaunchOptions = LaunchOptions(),
    sharing mappings: SharedMappings = SharedMappings()
  ) {
    self.container = container
    self.options = options
    self.mappings = mappings
  }

  /// Does once what all processes that are forked from this one would each do: looks at what does not change on the machine,
  /// and has the language's run time build the types that a start uses, which it does when they are first met.
  package static func getReady() {
    // Best effort: a start that needs what cannot be found out or made says so.
    _ = try? CgroupHierarchy.current()
    _ = CgroupMounts.hosts
    _ = RootAssembly.thermalThrottlePaths
    try? rehearse()
  }

  /// Makes some of what a container consists of, for nothing: held by descriptors, it is gone at once.
  private static func rehearse() throws {
    let devices = try DeviceDirectory(owner: 0).make(devices: [], allOfHost: false)
    let root = RootDirectory(owning: try Files.open(".", in: devices.descriptor, O_PATH | O_DIRECTORY))
    _ = try root.mountPoint("/shm", .directory)
    _ = try root.ownFile("/file")
    _ = try Preparation.entry(
      MountSpecification(.tmpfs(options: ["mode=1777", "size=4096"]), target: "/shm"), users: nil, mapping: nil,
      callers: CallerMaps(), root: root.descriptor, ownFiles: OwnFiles())
    _ = try OwnFiles().write("", for: "/etc/file", owner: 0)
    _ = try RouteSocket().link(named: "lo")
  }

  /// Starts the container and returns once its program is being executed.
  ///
  /// - Parameter streams: standard input, output and error, instead of pipes that the caller reads; of no effect for a
  ///   container with a terminal.
  /// - Throws: the step that failed; then nothing of the container remains but its directory.
  package func start(_ streams: [SharedDescriptor]? = nil) throws(LaunchError) -> RunningContainer {
    let prepared: any PreparedRoot
    if let listed = container.listed {
      prepared = try ListedPreparation(container, listed)
    } else {
      prepared = try Preparation(container, mapping: mappings.namespace(of: container))
    }
    let cgroup = try attempt("make cgroup") { try ContainerCgroup(container) }
    do throws(LaunchError) {
      return try start(prepared, in: cgroup, streams)
    } catch {
      // Best effort: the failure to report is the first one, and `down` removes a cgroup that is left.
      try? cgroup.remove()
      throw error
    }
  }

  private func start(
    _ prepared: any PreparedRoot, in cgroup: ContainerCgroup, _ given: [SharedDescriptor]?
  ) throws(LaunchError) -> RunningContainer {
    let streams = try attempt("make pipes") {
      try Streams(
        terminal: (prepared as? Preparation)?.terminal, owner: container.namespaces.users?.base ?? 0, given: given,
        keepsInput: container.process.keepsInput)
    }
    let (channel, childChannel) = try attempt("make channel") { try DescriptorPair.messageSockets().split() }
    let recorder =
      container.recordsCalls
      ? try attempt("make recorder") { try CallRecorder(writing: "\(container.directory)/calls") } : nil
    let devices = try MovedDevices(container.listed?.networkDevices ?? [])
    try joinNamespaces()
    let joined = try container.listed.map { listed throws(LaunchError) in try JoinedNamespaces(listed.namespaces) }
    let cgroupDirectory = try attempt("open cgroup") { try cgroup.openForClone() }
    // Opened here: the child may be in a user namespace that has no right to do it.
    let entrance = try attempt("open cgroup") { try cgroup.openEntrance() }
    guard
      let child = try attempt("clone", { try clone(into: cgroupDirectory?.borrowed) })
    else {
      close(channel.borrowed.rawValue)
      cgroupDirectory?.close()
      ContainerInit(
        container: container, prepared: prepared, options: options, channel: childChannel.borrowed,
        standardInput: streams.childInput.borrowed, standardOutput: streams.childOutput.borrowed,
        standardError: streams.childError.borrowed, recorder: recorder?.socket.borrowed,
        joinCgroup: { try entrance.enter() },
        prepareNetwork: { try ContainerNetwork(container).prepareInside() },
        configureNetwork: {
          try ContainerNetwork(container).configureInside()
          try devices?.configure()
        }
      ).run()
    }
    do throws(LaunchError) {
      try joined?.leave()
      streams.closeChildEnds()
      childChannel.close()
      recorder?.socket.close()
      let terminal = try letGo(child.pid, devices, over: channel.borrowed)
      let identity = try attempt("identify process") { try ProcessIdentity(of: child.pid) }
      return RunningContainer(
        process: child.handle, identity: identity, output: terminal.map { .terminal($0) } ?? streams.output,
        recorder: recorder?.process, input: streams.input, channel: channel, trace: options.trace)
    } catch {
      // Best effort, as above; the process is our child and cannot escape a SIGKILL.
      try? child.handle.signal(SIGKILL)
      _ = try? child.handle.reap()
      throw error
    }
  }

  /// The first process, in the namespaces that are its own.
  private func clone(into cgroup: FileDescriptor?) throws -> ClonedProcess? {
    options.trace("nsexec container setup: the first process is being cloned")
    guard let listed = container.listed, case .at(let path) = listed.namespaces.user else {
      return try ClonedProcess.clone(cloneFlags, into: cgroup)
    }
    let users = try Files.open(path, O_RDONLY)
    return try ClonedProcess.clone(cloneFlags, into: cgroup, inUserNamespace: users.borrowed)
  }

  private var cloneFlags: CInt {
    if let namespaces = container.listed?.namespaces {
      // The cgroup namespace comes later, and the time namespace of children was made by the parent.
      let made = namespaces.flagged.filter {
        $0.origin == .own && $0.flag != CLONE_NEWCGROUP && $0.flag != CLONE_NEWTIME
      }
      return made.reduce(namespaces.user == .own ? CLONE_NEWUSER : 0) { $0 | $1.flag }
    }
    let namespaces = container.namespaces
    var flags = CLONE_NEWNS
    if namespaces.processes == .own { flags |= CLONE_NEWPID }
    if !namespaces.sharesHostname { flags |= CLONE_NEWUTS }
    if namespaces.communication == .own { flags |= CLONE_NEWIPC }
    if namespaces.network == .own { flags |= CLONE_NEWNET }
    if namespaces.users != nil { flags |= CLONE_NEWUSER }
    return flags
  }

  /// Enters the namespaces of others that the container shares: its process inherits them.
  private func joinNamespaces() throws(LaunchError) {
    let namespaces = container.namespaces
    try join(namespaces.network, CLONE_NEWNET, "network")
    try join(namespaces.communication, CLONE_NEWIPC, "IPC namespace")
    try join(namespaces.processes, CLONE_NEWPID, "PID namespace")
  }

  private func join(_ source: NamespaceSpecification.Source, _ kind: CInt, _ name: String) throws(LaunchError) {
    guard case .of(let other) = source else { return }
    guard let process = try attempt("join \(name)", { try other.open() }) else {
      throw LaunchError("join \(name)", "the process whose \(name) is shared has ended")
    }
    try attempt("join \(name)") { try checked("setns", stk_setns(process.descriptor.rawValue, kind)) }
  }

  /// Does what only the parent can, lets the child go on, and waits for its success or its failure.
  /// - Returns: the master of a terminal that the child made.
  private func letGo(
    _ pid: pid_t, _ devices: MovedDevices?, over channel: FileDescriptor
  ) throws(LaunchError) -> SharedDescriptor? {
    if let users = container.namespaces.users {
      try attempt("map users") { try users.apply(to: pid) }
    } else if let namespaces = container.listed?.namespaces, namespaces.user == .own {
      try attempt("map users") { try OwnerMap(uids: namespaces.uids, gids: namespaces.gids).apply(to: pid) }
    }
    if container.hasOwnUsers { try ProcessSetup.raiseLimits(container.resourceLimits, of: pid) }
    if let score = container.oomScoreAdjustment {
      try attempt("set oom_score_adj") { try Files.write("\(score)", to: "/proc/\(pid)/oom_score_adj") }
    }
    let word = try attempt("wait for the container") { try Message.receive(over: channel) }
    options.trace("child process in init(): its namespaces are ready")
    if let word, word != ContainerInit.ready {
      throw try attempt("read the container's failure") { try LaunchError(wireBytes: word) }
    }
    do throws(LaunchError) {
      try attempt("make network interfaces") { try ContainerNetwork(container).makeInterfaces(for: pid) }
      try devices?.move(to: pid)
    } catch {
      // A child that has already failed takes its namespace with it: its message is what counts.
      guard let cause = try? failure(of: pid, over: channel) else { throw error }
      throw cause
    }
    try attempt("tell the container to go on") { try goOn(pid, over: channel) }
    return try follow(pid, over: channel)
  }

  /// Answers the child until its program is being executed, or it waits in front of the gate.
  private func follow(_ pid: pid_t, over channel: FileDescriptor) throws(LaunchError) -> SharedDescriptor? {
    var terminal: SharedDescriptor?
    while let message = try attempt(
      "wait for the container", { try Message.receiveWithDescriptor(over: channel) })
    {
      switch message.bytes {
      case ContainerInit.terminal: terminal = message.descriptor
      case ContainerInit.paused:
        try options.hooks.run(options.hooks.prestart, of: "prestart", pid: pid)
        try options.hooks.run(options.hooks.createRuntime, of: "createRuntime", pid: pid)
        try attempt("tell the container to go on") { try goOn(pid, over: channel) }
      case ContainerInit.created: return terminal
      default: throw try attempt("read the container's failure") { try LaunchError(wireBytes: message.bytes) }
      }
    }
    if case .open = options.gate { return terminal }
    throw LaunchError("start the container", "its first process ended before it was ready")
  }

  /// Lets the container go on that waits at the other end of a listening gate, and returns once its program is being
  /// executed.
  /// - Parameter pid: what the host knows its first process by.
  package static func begin(
    over connection: FileDescriptor, as pid: pid_t, trace: (String) -> Void = { _ in }
  ) throws(LaunchError) {
    try attempt("tell the container to go on") { try Message.send(pid.wireBytes, over: connection) }
    try waitForProgram(over: connection, trace)
  }

  /// The channel is closed by execve(2); a message is a failure.
  fileprivate static func waitForProgram(
    over channel: FileDescriptor, _ trace: (String) -> Void
  ) throws(LaunchError) {
    defer { trace("init: closing the pipe to signal completion: the program is being executed, or has failed to be") }
    if let message = try attempt("wait for the container", { try Message.receive(over: channel) }) {
      throw try attempt("read the container's failure") { try LaunchError(wireBytes: message) }
    }
  }

  /// Ends the child, and returns what it had to say, if anything.
  private func failure(of pid: pid_t, over channel: FileDescriptor) throws -> LaunchError? {
    // Our own child, which nobody has waited for: the number is still its.
    try checkedErrno("kill", kill(pid, SIGKILL))
    return try Message.receive(over: channel).map { try LaunchError(wireBytes: $0) }
  }

  private func goOn(_ pid: pid_t, over channel: FileDescriptor) throws(SystemCallError) {
    do throws(SystemCallError) {
      try Message.send(pid.wireBytes, over: channel)
    } catch  where error.errno == .brokenPipe {
      // A child that has already failed has closed its end: its message is what counts.
    }
  }
}

/// The ends of the container's standard streams.
struct Streams {
  let childInput: SharedDescriptor
  let childOutput: SharedDescriptor
  let childError: SharedDescriptor
  let output: ContainerOutput
  let input: SharedDescriptor?

  /// The size that a pipe is given: enough to go on writing while the log is being written.
  private static let pipeSize = 1 << 20

  /// - Parameter owner: the host's number of the container's root, who may then give the streams to the program's user.
  init(
    terminal: Terminal?, owner: UInt32, given: [SharedDescriptor]?, keepsInput: Bool = false
  ) throws(SystemCallError) {
    if let terminal {
      (childInput, childOutput, childError) = (terminal.slave, terminal.slave, terminal.slave)
      output = .terminal(terminal.master)
      input = terminal.master
      return
    }
    if let given, given.count == 3 {
      (childInput, childOutput, childError) = (given[0], given[1], given[2])
      output = .given
      input = nil
      return
    }
    if keepsInput {
      let pipe = try DescriptorPair.pipe().split()
      (childInput, input) = (pipe.first, pipe.second)
      if owner != 0 { try checkedErrno("fchown", fchown(childInput.borrowed.rawValue, owner, owner)) }
    } else {
      childInput = SharedDescriptor(try Files.open("/dev/null", O_RDONLY))
      input = nil
    }
    let outputPipe = try DescriptorPair.pipe().split()
    let errorPipe = try DescriptorPair.pipe().split()
    // Best effort: above the user's share of pipe memory (pipe(7)) the default size has to do.
    _ = stk_fcntl(outputPipe.first.borrowed.rawValue, F_SETPIPE_SZ, Self.pipeSize)
    (childOutput, childError) = (outputPipe.second, errorPipe.second)
    if owner != 0 {
      for end in [childOutput, childError] { try checkedErrno("fchown", fchown(end.borrowed.rawValue, owner, owner)) }
    }
    output = .pipes(output: outputPipe.first, error: errorPipe.first)
  }

  /// Leaves the container's ends to the container, so that the end of its last process is seen.
  func closeChildEnds() {
    for end in [childInput, childOutput, childError] { end.close() }
  }
}
