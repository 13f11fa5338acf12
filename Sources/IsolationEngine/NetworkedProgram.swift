import CLinuxShim
import Glibc
import LinuxMounts
import LinuxSystem
import SystemPackage

/// A program of the machine in a network namespace of its own, with the machine's file system: only files of its /etc differ.
///
/// The calling process must be single-threaded. The program is its child, and is killed when the calling process ends.
package struct NetworkedProgram {
  package let arguments: [String]
  /// `NAME=value`.
  package let environment: [String]
  /// nil is the machine's network.
  package let interfaces: [InterfaceSpecification]?
  package let files: [(name: String, content: String)]

  package init(
    _ arguments: [String], environment: [String], interfaces: [InterfaceSpecification]?,
    files: [(name: String, content: String)] = []
  ) {
    self.arguments = arguments
    self.environment = environment
    self.interfaces = interfaces
    self.files = files
  }

  /// Starts the program with the caller's standard streams.
  package func start() throws -> ProcessHandle {
    let (channel, childChannel) = try DescriptorPair.messageSockets().split()
    let flags = interfaces == nil ? 0 : CLONE_NEWNET | CLONE_NEWNS
    guard let child = try ClonedProcess.clone(flags) else {
      channel.close()
      become(childChannel.borrowed)
    }
    childChannel.close()
    do {
      if let interfaces {
        try ContainerNetwork(interfaces).makeInterfaces(for: child.pid)
        try Message.send([1], over: channel.borrowed)
      }
      // Nothing comes when the program is being executed: the other end is closed by that.
      if let message = try Message.receive(over: channel.borrowed) { throw try LaunchError(wireBytes: message) }
      return child.handle
    } catch {
      // Best effort: the failure to report is the first one.
      try? child.handle.signal(SIGKILL)
      _ = try? child.handle.reap()
      throw error
    }
  }

  private func become(_ channel: FileDescriptor) -> Never {
    do throws(LaunchError) {
      ParentDeath.follow()
      if let interfaces {
        let word = try attempt("wait for interfaces") { try Message.receive(over: channel) }
        if word == nil { _exit(1) }
        try attempt("configure interfaces") { try ContainerNetwork(interfaces).configureInside() }
        try attempt("prepare /etc") { try mountFiles() }
      }
      Signals.unblockAll()
      try execute()
    } catch {
      // Best effort: when the caller is gone, nobody is left to tell.
      try? Message.send(error.wireBytes, over: channel)
    }
    _exit(127)
  }

  /// Puts the files over those of the machine, for this program alone.
  private func mountFiles() throws {
    try MountNamespace.makePrivate()
    let own = try OwnFiles()
    let present = try files.filter { Files.exists("/etc/\($0.name)") }.map { file in
      (path: "/etc/\(file.name)", name: try own.write(file.content, for: "/etc/\(file.name)", owner: 0))
    }
    // Only for as long as its files are being mounted elsewhere.
    try own.attach(at: "/proc")
    for file in present {
      // A link, as /etc/resolv.conf often is, stands for the file that it leads to.
      let target = try Files.open(file.path, O_PATH)
      try own.mount(file.name).attach(at: target.borrowed)
    }
    try checked("umount2", on: "/proc", unsafe stk_umount2("/proc", CInt(MNT_DETACH)))
  }

  private func execute() throws(LaunchError) {
    let name = arguments.first ?? ""
    let path = environment.first { $0.hasPrefix("PATH=") }.map { $0.dropFirst(5) } ?? "/usr/local/bin:/usr/bin:/bin"
    let candidates =
      name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
    var failure = Errno.noSuchFileOrDirectory
    for candidate in candidates {
      let result = unsafe withCStrings(arguments) { argv in
        unsafe withCStrings(environment) { envp in unsafe stk_execve(candidate, argv, envp) }
      }
      let reason = Errno(rawValue: -result)
      if reason != .noSuchFileOrDirectory && reason != .notDirectory { failure = reason }
    }
    throw LaunchError(
      "execute \(name)", failure == .noSuchFileOrDirectory ? "not found in PATH" : "\(failure)",
      exitCode: failure == .noSuchFileOrDirectory ? 127 : 126)
  }
}
