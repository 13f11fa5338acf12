import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// The container's first process between clone3(2) and execve(2): the child's half of a start.
///
/// Runs in a copy of a single-threaded process, with its own namespaces already made. Every failure is told to the parent,
/// in words, over `channel`; the parent learns of success because the channel is closed by execve(2).
struct ContainerInit {
  let container: ContainerSpecification
  let prepared: any PreparedRoot
  let options: LaunchOptions
  let channel: FileDescriptor
  let standardInput: FileDescriptor
  let standardOutput: FileDescriptor
  let standardError: FileDescriptor
  /// Where a listener to the container's calls is sent; nil when there is none.
  let recorder: FileDescriptor?
  /// Joins the container's cgroup, where clone3(2) has not done it.
  let joinCgroup: () throws -> Void
  /// Makes the network namespace ready for its interfaces.
  let prepareNetwork: () throws -> Void
  /// Configures the container's network from inside.
  let configureNetwork: () throws -> Void

  func run() -> Never {
    do throws(LaunchError) {
      try setUp()
    } catch {
      // Best effort: when the parent is gone, nobody is left to tell.
      try? Message.send(error.wireBytes, over: channel)
    }
    _exit(125)
  }

  private func setUp() throws(LaunchError) -> Never {
    if !options.outlivesCaller { try attempt("tie the container to its supervisor") { try dieWithParent() } }
    // Until execve(2) this is a process of the engine in a container's namespaces: it must not be looked into.
    try attempt("hide from the container") { try checked("prctl", stk_prctl(STK_PR_SET_DUMPABLE, 0, 0, 0, 0)) }
    try attempt("prepare network", prepareNetwork)
    try attempt("tell the supervisor") { try Message.send(Self.ready, over: channel) }
    try attempt("join cgroup", joinCgroup)
    if container.listed != nil {
      // What the caller may use says nothing about the container.
      try attempt("set processors") { try ListedProcess.ProcessorChoice.apply(ListedProcess.ProcessorChoice.all) }
    }
    try enterLateNamespaces()
    // The container's directory can be entered by the host's root alone, which this process still is.
    try prepared.attach(for: container)
    var pid = try waitForParent()
    if container.hasOwnUsers { try becomeRoot() }

    let root = try attempt("open root file system") {
      RootDirectory(owning: try Files.open(".", in: prepared.root.descriptor, O_PATH | O_DIRECTORY))
    }
    try prepared.assemble(container, in: root)
    try attempt("configure network", configureNetwork)
    if !container.namespaces.sharesHostname { try setNames() }
    try connectStreams(root: root)
    if options.hooks.needsPause {
      try attempt("tell the caller") { try Message.send(Self.paused, over: channel) }
      pid = try waitForParent()
      if options.hooks.startInRoot {
        try attempt("change directory") { try checkedErrno("fchdir", fchdir(root.descriptor.rawValue)) }
      }
      try options.hooks.run(options.hooks.createContainer, of: "createContainer", pid: pid)
    }
    try attempt("change root") {
      if container.listed?.namespaces.mount == .inherited {
        try MountNamespace.enter(root.descriptor)
      } else if options.avoidsPivot {
        try MountNamespace.chroot(to: root.descriptor)
      } else {
        try MountNamespace.pivot(to: root.descriptor)
      }
    }
    if let propagation = container.listed?.root.propagation, container.listed?.namespaces.mount != .inherited {
      try attempt("set propagation of the root") { try MountNamespace.set(propagation, recursive: false) }
    }
    if container.root.isReadOnly {
      try attempt("make root read-only") { try MountNamespace.remount("/", .readOnly) }
    }
    try execute(pid)
  }

  /// The first message to the parent: the namespaces are there, and ready for what the parent does in them.
  static let ready: [UInt8] = [0]
  /// The root is together; the parent has programs to run before it is entered.
  static let paused: [UInt8] = [1]
  /// The master of the container's terminal comes with it.
  static let terminal: [UInt8] = [2]
  /// All is done but the last steps, which the gate is in front of.
  static let created: [UInt8] = [3]

  /// A container never outlives the process that keeps its log and its exit status.
  private func dieWithParent() throws(SystemCallError) {
    try checked("prctl", stk_prctl(STK_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0))
  }

  /// The namespaces that clone3(2) did not make: the cgroup namespace's root is the group that the process is in by now.
  private func enterLateNamespaces() throws(LaunchError) {
    guard let namespaces = container.listed?.namespaces else {
      try attempt("make cgroup namespace") { try checked("unshare", stk_unshare(CLONE_NEWCGROUP)) }
      return try attempt("make mounts private") { try MountNamespace.makePrivate() }
    }
    if namespaces.cgroup == .own {
      try attempt("make cgroup namespace") { try checked("unshare", stk_unshare(CLONE_NEWCGROUP)) }
    }
    // That of others is not the container's to change.
    if namespaces.mount == .inherited { return }
    let propagation = container.listed?.root.namespacePropagation ?? .private
    try attempt("set propagation of mounts") { try MountNamespace.set(propagation, recursive: true) }
  }

  private func setNames() throws(LaunchError) {
    if !container.hostname.isEmpty {
      try attempt("set hostname") {
        try checkedErrno("sethostname", unsafe sethostname(container.hostname, container.hostname.utf8.count))
      }
    }
    guard let name = container.domainName else { return }
    try attempt("set domain name") { try checkedErrno("setdomainname", unsafe setdomainname(name, name.utf8.count)) }
  }

  /// The parent writes the maps and makes the interfaces, and says so; its end is our end.
  /// - Returns: the pid that the host knows this process by.
  private func waitForParent() throws(LaunchError) -> pid_t {
    let message = try attempt("wait for the supervisor") { try Message.receive(over: channel, limit: 16) }
    guard let message, let pid = try? pid_t(wireBytes: message) else { _exit(125) }
    return pid
  }

  /// Takes the identity of root in the new user namespace; until now the process had the host's.
  private func becomeRoot() throws(LaunchError) {
    try attempt("become root of the user namespace") {
      if container.listed?.process.keepsGroups != true { try checked("setgroups", stk_setgroups(0, nil)) }
      try checked("setresgid", stk_setresgid(0, 0, 0))
      try checked("setresuid", stk_setresuid(0, 0, 0))
    }
  }

  private func connectStreams(root: RootDirectory) throws(LaunchError) {
    try attempt("connect standard streams") { try checkedErrno("setsid", setsid()) }
    var streams = [standardInput, standardOutput, standardError]
    let own = try prepared.terminal(for: container, in: root)
    if let (terminal, isNew) = own {
      if isNew {
        try attempt("hand the terminal over") {
          try Message.send(Self.terminal, with: terminal.master.borrowed, over: channel)
          terminal.master.close()
        }
      }
      let slave = terminal.slave.borrowed
      try attempt("connect terminal") {
        try checked("ioctl", on: "TIOCSCTTY", stk_ioctl_int(slave.rawValue, UInt(TIOCSCTTY), 0))
        let console = try root.mountPoint("/dev/console", .file)
        try DetachedMount(cloning: "", in: slave).attach(at: console.borrowed)
      }
      streams = [slave, slave, slave]
    }
    try attempt("connect standard streams") {
      for (target, source) in streams.enumerated() {
        try checkedErrno("dup2", dup2(source.rawValue, CInt(target)))
      }
      withExtendedLifetime(own) {}
    }
    // While it waits for its start, the container must not keep pipes open that its streams do not lead to.
    let given = Set([standardInput, standardOutput, standardError].map(\.rawValue))
    for unused in given.subtracting(streams.map(\.rawValue)) where unused > 2 { close(unused) }
  }

  private func execute(_ pid: pid_t) throws(LaunchError) -> Never {
    var setup = ProcessSetup(
      process: container.process, capabilities: container.capabilities,
      noNewPrivileges: container.noNewPrivileges, seccomp: container.seccomp,
      resourceLimits: container.resourceLimits)
    setup.listed = container.listed?.process
    if let recorder {
      setup.listener = (recorder, [0])
    } else if let listener = options.listener {
      setup.listener = (listener.socket.borrowed, listener.message(pid))
    }
    setup.ownsStreams = container.listed == nil
    let channel = try passGate(setup)
    if !options.outlivesCaller {
      setup.credentialsChanged = {
        // A change of credentials has cleared it; and the parent may have ended in between.
        try checked("prctl", stk_prctl(STK_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0))
        if try Polling.readable([channel], milliseconds: 0)[0] { _exit(125) }
      }
    }
    // Nothing of the host is open beyond the three streams and the channel, which closes itself.
    let environment = try setup.apply(keeping: options.preservedDescriptors)
    let hooks = options.hooks.startContainer.map { hook in
      var hook = hook
      // In the container nothing of the caller's environment is anybody's.
      hook.environment = hook.environment ?? environment
      return hook
    }
    try options.hooks.run(hooks, of: "startContainer", pid: pid)
    if container.process.usesInit {
      try InitProcess(channel: channel).run(setup, environment: environment)
    }
    try setup.execute(environment: environment)
  }

  /// The first process of a PID namespace does not get signals that it has no handler for. While it waits it is to end by
  /// those that ask a program to; execve(2) takes the handlers away.
  private static func endWhenAsked() {
    for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] { signal(number) { _exit(128 + $0) } }
    Signals.unblockAll()
  }

  /// Waits until the program may be executed.
  /// - Returns: where its success or failure is told from now on.
  private func passGate(_ setup: ProcessSetup) throws(LaunchError) -> FileDescriptor {
    switch options.gate {
    case .open: return channel
    case .closed:
      try setup.checkProgram()
      try attempt("tell the caller") { try Message.send(Self.created, over: channel) }
      _ = try waitForParent()
      return channel
    case .listening(let socket):
      try setup.checkProgram()
      Self.endWhenAsked()
      try attempt("tell the caller") { try Message.send(Self.created, over: channel) }
      do throws(SystemCallError) {
        let connection = try LocalSocket.nextConnection(socket.borrowed)
        // The number that failures are reported to until the end of this process.
        try checkedErrno("dup2", dup2(connection.borrowed.rawValue, channel.rawValue))
        try checked("fcntl", stk_set_close_on_exec(channel.rawValue, 1))
      } catch {
        _exit(125)
      }
      socket.close()
      _ = try waitForParent()
      return channel
    }
  }
}

extension ContainerSpecification {
  var hasOwnUsers: Bool { namespaces.users != nil || listed.map { $0.namespaces.user != .inherited } == true }
}
