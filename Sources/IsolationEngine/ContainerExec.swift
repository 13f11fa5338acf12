import CLinuxShim
import Glibc
import LinuxCapabilities
import LinuxCgroup
import LinuxMounts
import LinuxSystem
import SystemPackage

/// A process executed in a running container: in all its namespaces, with its cgroup, capabilities and filter.
///
/// The calling process must be single-threaded; it stays outside. What joins the container is a child, which cannot be
/// looked into from there before it is the container's program (prctl(2) PR_SET_DUMPABLE; CVE-2019-5736).
package struct ContainerExec {
  let container: ContainerSpecification
  let initProcess: ProcessIdentity
  package var process: ProcessSpecification
  package var isPrivileged = false
  /// Instead of what the container's own process has.
  package var listed: ListedProcess?
  /// So many descriptors from 3 on are the program's.
  package var preservedDescriptors = 0
  /// Groups below the container's own, which somebody has made.
  package var subgroups: [Subgroup] = []
  /// Who is asked when its filter asks.
  package var listener: CallListener?
  /// Told how far the start has come.
  package var trace: (String) -> Void = { _ in }

  package init(_ container: ContainerSpecification, initProcess: ProcessIdentity, process: ProcessSpecification) {
    self.container = container
    self.initProcess = initProcess
    self.process = process
  }

  /// Whether the container could write to this program's file once it has it open, which executing it gives it (CVE-2019-5736).
  package var canWriteToOwnProgram: Bool {
    get throws {
      guard let users = container.namespaces.users else { return true }
      return try OwnProgram.isWritable(whereMapped: users.contains)
    }
  }

  package struct Subgroup {
    /// Only in the hierarchies of version 1 that have these; empty is in all, and in the unified one.
    package var controllers: [CgroupController]
    package var path: [String]

    package init(controllers: [CgroupController], path: [String]) {
      self.controllers = controllers
      self.path = path
    }
  }

  /// The three standard streams of the new process.
  package struct Streams {
    package var input: FileDescriptor
    package var output: FileDescriptor
    package var error: FileDescriptor

    package init(input: FileDescriptor, output: FileDescriptor, error: FileDescriptor) {
      self.input = input
      self.output = output
      self.error = error
    }
  }

  /// A terminal of the container's own devpts, for a process that is executed with one.
  package func openTerminal() throws(LaunchError) -> (master: SharedDescriptor, slave: SharedDescriptor) {
    let terminal = try attempt("allocate terminal") {
      // Named, so that it lives as long as it is used.
      let root = try initProcess.openRoot()
      let directory = try Files.open(
        "dev/pts", below: root.borrowed, [.inRoot, .noSymlinks], O_RDONLY | O_DIRECTORY)
      let terminal = try Terminal(in: directory.borrowed)
      if let size = listed?.terminalSize {
        _ = stk_window_size(terminal.slave.borrowed.rawValue, size.rows, size.columns)
      }
      return terminal
    }
    return (terminal.master, terminal.slave)
  }

  /// Starts the process, a child of the caller, and returns once its program is being executed.
  package func start(_ streams: Streams) throws(LaunchError) -> ProcessHandle {
    guard let target = try attempt("execute", { try initProcess.open() }) else {
      throw LaunchError("execute", "the container is not running")
    }
    let (channel, childChannel) = try attempt("make channel") { try DescriptorPair.messageSockets().split() }
    let groups = try attempt("open cgroup") { try self.groups }
    // Where the unified hierarchy has no such group, the container's own has to do.
    let directory = groups.filter { $0.controllers.isEmpty }.compactMap { try? $0.group.openForClone() }.last
    guard let joiner = try attempt("clone", { try ClonedProcess.clone(0, into: directory?.borrowed) })?.handle else {
      channel.close()
      join(target.descriptor, groups: groups, streams: streams, channel: childChannel.borrowed)
    }
    trace("nsexec container setup: a process that joins the container was cloned")
    if let mask = listed?.processors.initial {
      // The lowest 64 are all that the line has room for.
      let low = mask.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
      trace("nsexec: affinity: 0x\(String(low, radix: 16))")
    }
    childChannel.close()
    var program: SharedDescriptor?
    var asked: SharedDescriptor?
    var failure: LaunchError?
    while let message = try attempt(
      "wait for the process",
      {
        try Message.receiveWithDescriptor(over: channel.borrowed)
      })
    {
      if let descriptor = message.descriptor {
        if message.bytes == Self.listenerWord {
          asked = descriptor
        } else {
          program = descriptor
          trace("child process in init(): it is in the container's namespaces")
        }
      } else {
        failure = try attempt("read the failure") { try LaunchError(wireBytes: message.bytes) }
      }
      if let process = program, let calls = asked {
        try handOver(calls, of: process)
        asked = nil
      }
    }
    _ = try attempt("wait") { try joiner.reap() }
    guard let program else { throw failure ?? LaunchError("execute", "the container ended") }
    let handle = try attempt("execute") { try ProcessHandle(duplicating: program.borrowed) }
    trace("setns_init: about to exec: \(failure.map(String.init(describing:)) ?? "done")")
    if let failure {
      _ = try? handle.reap()
      throw failure
    }
    return handle
  }

  /// The group of the container, and those below it that are asked for.
  private var groups: [(group: ContainerCgroup, controllers: [CgroupController])] {
    get throws {
      var groups = [(try ContainerCgroup(existing: container), [CgroupController]())]
      for subgroup in subgroups {
        let inner = try ContainerCgroup(existing: container, below: subgroup.path)
        guard inner.exists(for: subgroup.controllers) else {
          let path = subgroup.path.joined(separator: "/")
          throw LaunchError("error adding pid to cgroup", "\(path): no such file or directory")
        }
        groups.append((inner, subgroup.controllers))
      }
      return groups
    }
  }

  /// With a listener in the place of a descriptor of the process.
  private static let listenerWord: [UInt8] = [1]

  /// The new process cannot say which number it has on the host.
  private func handOver(_ calls: SharedDescriptor, of program: SharedDescriptor) throws(LaunchError) {
    guard let listener else { return }
    try attempt("hand the calls over") {
      let pid = try ProcessHandle(duplicating: program.borrowed).pid
      try Message.send(listener.message(pid), with: calls.borrowed, over: listener.socket.borrowed)
    }
    listener.socket.close()
  }

  /// In a child: enters the namespaces. A PID namespace is entered by the next process only, which becomes the program; it
  /// is made a child of the caller (CLONE_PARENT), so that its exit status is the caller's to see.
  private func join(
    _ target: FileDescriptor, groups: [(group: ContainerCgroup, controllers: [CgroupController])], streams: Streams,
    channel: FileDescriptor
  ) -> Never {
    do throws(LaunchError) {
      try attempt("hide from the container") { try checked("prctl", stk_prctl(STK_PR_SET_DUMPABLE, 0, 0, 0, 0)) }
      if let mask = listed?.processors.initial {
        try attempt("set processors") { try ListedProcess.ProcessorChoice.apply(mask) }
      }
      try attempt("join cgroup") {
        for (group, controllers) in groups { try group.openEntrance(only: controllers).enter() }
      }
      if let listed, listed.processors.initial == nil || listed.processors.final != nil {
        // What the caller may use says nothing about the container.
        try attempt("set processors") {
          try ListedProcess.ProcessorChoice.apply(listed.processors.final ?? ListedProcess.ProcessorChoice.all)
        }
      }
      try ProcessSetup.raiseLimits(container.resourceLimits, of: 0)
      try attempt("join namespaces") { try checked("setns", stk_setns(target.rawValue, namespaceFlags)) }
      guard let program = try attempt("clone", { try ClonedProcess.clone(CLONE_PARENT) })?.handle else {
        try becomeProgram(streams, channel: channel)
      }
      try attempt("hand over") { try Message.send([0], with: program.descriptor, over: channel) }
      _exit(0)
    } catch {
      // Best effort: when the caller is gone, nobody is left to tell.
      try? Message.send(error.wireBytes, over: channel)
    }
    _exit(125)
  }

  private var namespaceFlags: CInt {
    if let namespaces = container.listed?.namespaces {
      let entered = namespaces.flagged.filter { $0.origin != .inherited }
      return entered.reduce(namespaces.user == .inherited ? 0 : CLONE_NEWUSER) { $0 | $1.flag }
    }
    let namespaces = container.namespaces
    var flags = CLONE_NEWNS
    if namespaces.processes != .host { flags |= CLONE_NEWPID }
    if !namespaces.sharesHostname { flags |= CLONE_NEWUTS }
    if namespaces.communication != .host { flags |= CLONE_NEWIPC }
    if !namespaces.sharesCgroups { flags |= CLONE_NEWCGROUP }
    if namespaces.network != .host { flags |= CLONE_NEWNET }
    if namespaces.users != nil { flags |= CLONE_NEWUSER }
    return flags
  }

  private func becomeProgram(_ streams: Streams, channel: FileDescriptor) throws(LaunchError) -> Never {
    try attempt("connect standard streams") {
      try checkedErrno("setsid", setsid())
      if process.hasTerminal {
        try checked("ioctl", on: "TIOCSCTTY", stk_ioctl_int(streams.input.rawValue, UInt(TIOCSCTTY), 0))
      }
      for (number, source) in [streams.input, streams.output, streams.error].enumerated() {
        try checkedErrno("dup2", dup2(source.rawValue, CInt(number)))
      }
    }
    if container.hasOwnUsers {
      try attempt("become root of the user namespace") {
        try checked("setresgid", stk_setresgid(0, 0, 0))
        try checked("setresuid", stk_setresuid(0, 0, 0))
      }
    }
    let masks =
      isPrivileged
      ? CapabilityMasks(all: try attempt("read capabilities") { try ProcessCapabilities.current().permitted })
      : container.capabilities
    var setup = ProcessSetup(
      process: process, capabilities: masks, noNewPrivileges: container.noNewPrivileges && !isPrivileged,
      // A filter that asks has nobody to ask here.
      seccomp: isPrivileged || container.recordsCalls ? nil : container.seccomp,
      resourceLimits: container.resourceLimits)
    setup.makesWorkingDirectory = false
    setup.listed = listed ?? container.listed?.process
    if listener != nil { setup.listener = (channel, Self.listenerWord) }
    let environment = try setup.apply(keeping: preservedDescriptors)
    try setup.execute(environment: environment)
  }
}
