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
  let prepared: Preparation
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
    try attempt("tie the container to its supervisor") { try dieWithParent() }
    // Until execve(2) this is a process of the engine in a container's namespaces: it must not be looked into.
    try attempt("hide from the container") { try checked("prctl", stk_prctl(STK_PR_SET_DUMPABLE, 0, 0, 0, 0)) }
    try attempt("prepare network", prepareNetwork)
    try attempt("tell the supervisor") { try Message.send(Self.ready, over: channel) }
    try attempt("join cgroup", joinCgroup)
    if !container.namespaces.sharesCgroups {
      try attempt("make cgroup namespace") { try checked("unshare", stk_unshare(CLONE_NEWCGROUP)) }
    }
    try attempt("make mounts private") { try MountNamespace.makePrivate() }
    // The container's directory can be entered by the host's root alone, which this process still is. The root covers the
    // engine's own files, which are reached by descriptor, and both go with the old root.
    try attempt("mount files for /etc") { try prepared.ownFiles.attach(at: container.directory) }
    try attempt("mount root file system") { try prepared.root.attach(at: container.directory) }
    try waitForParent()
    if container.namespaces.users != nil { try becomeRoot() }

    let root = try attempt("open root file system") {
      RootDirectory(owning: try Files.open(".", in: prepared.root.descriptor, O_PATH | O_DIRECTORY))
    }
    let assembly = RootAssembly(container, root: root)
    try assembly.assemble(prepared)
    try attempt("configure network", configureNetwork)
    if !container.namespaces.sharesHostname { try setNames() }
    try connectStreams(root: assembly.descriptor)
    try attempt("change root") { try MountNamespace.pivot(to: assembly.descriptor) }
    if container.root.isReadOnly {
      try attempt("make root read-only") { try MountNamespace.remount("/", .readOnly) }
    }
    try execute()
  }

  private func setNames() throws(LaunchError) {
    try attempt("set hostname") {
      try checkedErrno("sethostname", unsafe sethostname(container.hostname, container.hostname.utf8.count))
    }
    guard let name = container.domainName else { return }
    try attempt("set domain name") { try checkedErrno("setdomainname", unsafe setdomainname(name, name.utf8.count)) }
  }

  /// The first message to the parent: the namespaces are there, and ready for what the parent does in them.
  static let ready: [UInt8] = [0]

  /// A container never outlives the process that keeps its log and its exit status.
  private func dieWithParent() throws(SystemCallError) {
    try checked("prctl", stk_prctl(STK_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0))
  }

  /// The parent writes the maps and makes the interfaces, and says so with one byte; its end is our end.
  private func waitForParent() throws(LaunchError) {
    let message = try attempt("wait for the supervisor") { try Message.receive(over: channel, limit: 16) }
    if message == nil { _exit(125) }
  }

  /// Takes the identity of root in the new user namespace; until now the process had the host's.
  private func becomeRoot() throws(LaunchError) {
    try attempt("become root of the user namespace") {
      try checked("setgroups", stk_setgroups(0, nil))
      try checked("setresgid", stk_setresgid(0, 0, 0))
      try checked("setresuid", stk_setresuid(0, 0, 0))
    }
  }

  private func connectStreams(root: FileDescriptor) throws(LaunchError) {
    try attempt("connect standard streams") {
      try checkedErrno("setsid", setsid())
      if let terminal = prepared.terminal {
        let slave = terminal.slave.borrowed
        try checked("ioctl", on: "TIOCSCTTY", stk_ioctl_int(slave.rawValue, UInt(TIOCSCTTY), 0))
        let console = try RootDirectory(owning: Files.open(".", in: root, O_PATH | O_DIRECTORY))
          .mountPoint("/dev/console", .file)
        try DetachedMount(cloning: "", in: slave).attach(at: console.borrowed)
      }
      for (target, source) in [standardInput, standardOutput, standardError].enumerated() {
        try checkedErrno("dup2", dup2(source.rawValue, CInt(target)))
      }
    }
  }

  private func execute() throws(LaunchError) -> Never {
    let channel = channel
    let setup = ProcessSetup(
      process: container.process, capabilities: container.capabilities,
      noNewPrivileges: container.noNewPrivileges, seccomp: container.seccomp,
      resourceLimits: container.resourceLimits, ownsStreams: true, recorder: recorder,
      credentialsChanged: {
        // A change of credentials has cleared it; and the parent may have ended in between.
        try checked("prctl", stk_prctl(STK_PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0))
        if try Polling.readable([channel], milliseconds: 0)[0] { _exit(125) }
      })
    let environment = try setup.apply()
    // Nothing of the host is open beyond the three streams and the channel, which closes itself.
    try attempt("close descriptors") {
      try checked("close_range", stk_close_range(3, .max, CLOSE_RANGE_CLOEXEC))
    }
    if container.process.usesInit {
      try InitProcess(channel: channel).run(setup, environment: environment)
    }
    try setup.execute(environment: environment)
  }
}
