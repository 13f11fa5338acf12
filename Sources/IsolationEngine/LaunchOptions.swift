import Glibc
import LinuxSystem
import SystemPackage

/// How a container is started, as opposed to what it is.
package struct LaunchOptions {
  /// When the container's program is executed.
  package enum Gate {
    /// At once.
    case open
    /// When the caller says so: `RunningContainer.begin()`.
    case closed
    /// When somebody connects to this listening socket.
    case listening(SharedDescriptor)
  }

  package var gate = Gate.open
  /// The container goes on when the process that started it ends.
  package var outlivesCaller = false
  /// So many descriptors from 3 on are the program's.
  package var preservedDescriptors = 0
  /// Changes the root with chroot(2) instead of pivot_root(2).
  package var avoidsPivot = false
  package var hooks = LaunchHooks()
  /// Who is asked when the container's filter asks.
  package var listener: CallListener?
  /// Told how far the start has come.
  package var trace: (String) -> Void = { _ in }

  package init() {}
}

/// Somebody who is handed the listener of a filter that asks (seccomp_unotify(2)).
package struct CallListener {
  /// A connection to them.
  package var socket: SharedDescriptor
  /// What they are told with it, about the process with this number on the host.
  package var message: (_ pid: pid_t) -> [UInt8]

  package init(socket: SharedDescriptor, message: @escaping (_ pid: pid_t) -> [UInt8]) {
    self.socket = socket
    self.message = message
  }
}

/// Programs to be run while a container is being started, in the places that the OCI runtime specification names.
package struct LaunchHooks {
  /// On the host, when the namespaces are there and the root is not yet changed: those of the specification's first versions.
  package var prestart: [Hook] = []
  /// After them, in the same place.
  package var createRuntime: [Hook] = []
  /// In the container's namespaces, at the same time.
  package var createContainer: [Hook] = []
  /// They start in the container's root file system.
  package var startInRoot = false
  /// In the container, as its user, before its program.
  package var startContainer: [Hook] = []
  /// What each is told on its standard input.
  package var input: (_ pid: pid_t) -> [UInt8] = { _ in [] }
  package var output = HookOutput()

  package init() {}

  var needsPause: Bool { !prestart.isEmpty || !createRuntime.isEmpty || !createContainer.isEmpty }

  func run(_ hooks: [Hook], of name: String, pid: pid_t) throws(LaunchError) {
    try Hook.run(hooks, of: name, input: hooks.isEmpty ? [] : input(pid), output: output)
  }
}

/// Where hooks write to; nil is the stream of the caller.
package struct HookOutput {
  package var output: SharedDescriptor?
  package var error: SharedDescriptor?

  package init() {}
}

/// A program that is run at some point of a container's life.
package struct Hook: Hashable, Sendable {
  package var path: String
  /// With the name of the program; empty is the path alone.
  package var arguments: [String]
  /// nil is the caller's.
  package var environment: [String]?
  package var seconds: Int?

  package init(path: String, arguments: [String] = [], environment: [String]? = nil, seconds: Int? = nil) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
    self.seconds = seconds
  }

  /// Runs one program after the other.
  /// - Throws: of the first that could not be started, failed, or took too long, after which it was killed; the rest is not run.
  package static func run(
    _ hooks: [Hook], of name: String, input: [UInt8], output: HookOutput = HookOutput()
  ) throws(LaunchError) {
    for (number, hook) in hooks.enumerated() {
      try hook.run(name, number, input: input, output: output)
    }
  }

  /// Runs the program, which is the one of this number, counted from 0, of those of this name.
  /// - Throws: as for several.
  package func run(_ name: String, _ number: Int, input: [UInt8], output: HookOutput) throws(LaunchError) {
    let step = "error running \(name) hook #\(number)"
    let pipe = try attempt(step) { try DescriptorPair.pipe().split() }
    let streams: [CInt: FileDescriptor] = [
      0: pipe.first.borrowed, 1: output.output?.borrowed ?? FileDescriptor(rawValue: 1),
      2: output.error?.borrowed ?? FileDescriptor(rawValue: 2),
    ]
    let spawn = Spawn(
      path: path, arguments: arguments.isEmpty ? [path] : arguments, environment: environment ?? Spawn.ownEnvironment,
      descriptors: streams)
    let pid = try attempt(step) { try spawn.start() }
    pipe.first.close()
    // A hook need not read what it is told. The pipe has room for it, so that nothing waits here.
    signal(SIGPIPE, SIG_IGN)
    try? Files.writeAll(pipe.second.borrowed, input)
    pipe.second.close()
    var status: CInt = 0
    let deadline = seconds.map { KernelClock.monotonic + UInt64(max(0, $0)) * 1_000_000_000 }
    while true {
      let ended = unsafe waitpid(pid, &status, deadline == nil ? 0 : WNOHANG)
      if ended == pid { break }
      if ended < 0 && errno != EINTR { throw LaunchError(step, "\(Errno.latest)") }
      guard let deadline, KernelClock.monotonic > deadline else {
        if deadline != nil { usleep(2000) }
        continue
      }
      kill(pid, SIGKILL)
      _ = unsafe waitpid(pid, &status, 0)
      throw LaunchError(step, "timed out after \(seconds ?? 0) s")
    }
    if status != 0 {
      let signal = status & 0x7f
      let reason =
        signal == 0
        ? "\(name) hook failed with exit code \(status >> 8 & 0xff)"
        : "signal \(SignalName.name(of: signal)) (\(Self.words(of: signal)))"
      throw LaunchError(step, "\(path): \(reason)")
    }
  }

  /// strsignal(3), as it stands in the middle of a sentence.
  private static func words(of signal: CInt) -> String {
    guard let text = unsafe strsignal(signal) else { return "signal \(signal)" }
    return unsafe String(cString: text).lowercased()
  }
}
