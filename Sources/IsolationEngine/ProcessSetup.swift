import CLinuxShim
import Glibc
import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem
import SystemPackage

/// The last steps before the container's program: who it is, what it may do, where it stands.
///
/// Shared by a container's first process and by processes that are executed in it later. The caller's root is the
/// container's, and the caller is single-threaded. Nothing of the container is executed before `execute()`.
struct ProcessSetup {
  let process: ProcessSpecification
  let capabilities: CapabilityMasks
  let noNewPrivileges: Bool
  let seccomp: [UInt8]?
  let resourceLimits: [ResourceLimitSpecification]
  /// Whether the output streams are the container's alone, and so the user's to open again (`/dev/stdout`).
  var ownsStreams = false
  /// Where the listener of the filter is sent, when it asks one.
  var recorder: FileDescriptor?

  /// Called when the last change of credentials is done, after which PR_SET_PDEATHSIG stays (man 2 prctl).
  var credentialsChanged: () throws -> Void = {}

  /// Does everything but execve(2).
  func apply() throws(LaunchError) -> [String] {
    let root = try attempt("open root") { try Files.open("/", O_PATH | O_DIRECTORY) }
    let user = try attempt("look up user \(process.user)") {
      try ContainerUser(
        process.user, groups: process.groups, passwd: ContainerUser.database("etc/passwd", in: root.borrowed),
        group: ContainerUser.database("etc/group", in: root.borrowed))
    }
    if ownsStreams && user.uid != 0 {
      try attempt("give the streams to the user") {
        for stream: CInt in [1, 2] { try checkedErrno("fchown", fchown(stream, user.uid, user.gid)) }
      }
    }
    try setLimits()
    try makeWorkingDirectory(in: root.borrowed, user: user)
    try attempt("drop capabilities of the bounding set") {
      try ProcessCapabilities.dropBounding(keeping: CapabilitySet(rawValue: capabilities.bounding))
    }
    // Without no_new_privs a filter needs CAP_SYS_ADMIN, which is about to go.
    if !noNewPrivileges { try loadFilter() }
    try attempt("become user \(process.user.isEmpty ? "root" : process.user)") {
      try ProcessCapabilities.setKeepCapabilities(true)
      let groups = user.supplementaryGroups
      try checked("setgroups", unsafe stk_setgroups(groups.count, groups))
      try checked("setresgid", on: "\(user.gid)", stk_setresgid(user.gid, user.gid, user.gid))
      try checked("setresuid", on: "\(user.uid)", stk_setresuid(user.uid, user.uid, user.uid))
    }
    try attempt("set capabilities") {
      let state = state(for: user)
      try ProcessCapabilities.apply(state)
      try ProcessCapabilities.setAmbient(state.ambient)
    }
    try enterWorkingDirectory()
    if noNewPrivileges {
      try attempt("set no_new_privs") { try ProcessCapabilities.setNoNewPrivileges() }
      try loadFilter()
    }
    try attempt("hold on to the supervisor of the container", credentialsChanged)
    return environment(for: user)
  }

  /// A user other than root has no capabilities but the ambient ones, as after an execve(2) by that user.
  private func state(for user: ContainerUser) -> CapabilityState {
    let isRoot = user.uid == 0
    return CapabilityState(
      bounding: CapabilitySet(rawValue: capabilities.bounding),
      effective: CapabilitySet(rawValue: isRoot ? capabilities.effective : capabilities.ambient),
      permitted: CapabilitySet(rawValue: isRoot ? capabilities.permitted : capabilities.ambient),
      inheritable: CapabilitySet(rawValue: capabilities.inheritable),
      ambient: CapabilitySet(rawValue: capabilities.ambient))
  }

  /// Raises hard limits, to what `apply` sets them to: root in a user namespace has no right to (setrlimit(2)).
  /// - Parameter pid: the process, 0 for the caller.
  static func raiseLimits(_ limits: [ResourceLimitSpecification], of pid: pid_t) throws(LaunchError) {
    for limit in limits {
      try attempt("set resource limit \(limit.resource)") {
        try checked("prlimit", stk_raise_rlimit(pid, limit.resource, limit.hard))
      }
    }
  }

  private func setLimits() throws(LaunchError) {
    for limit in resourceLimits {
      try attempt("set resource limit \(limit.resource)") {
        try checked("setrlimit", stk_setrlimit(limit.resource, limit.soft, limit.hard))
      }
    }
  }

  private func makeWorkingDirectory(in root: FileDescriptor, user: ContainerUser) throws(LaunchError) {
    let path = process.workingDirectory
    if path == "/" { return }
    try attempt("make working directory \(path)") {
      var built = ""
      for part in path.split(separator: "/") {
        built += "/\(part)"
        let found = try Files.openIfPresent(built, below: root, [.inRoot, .noMagicLinks], O_PATH | O_DIRECTORY)
        if found == nil { try Files.makeDirectory(String(built.dropFirst()), in: root, mode: 0o755) }
      }
    }
  }

  /// As the container's user, after all privileges are gone; the result must lie below the root.
  private func enterWorkingDirectory() throws(LaunchError) {
    let path = process.workingDirectory
    try attempt("enter working directory \(path)") {
      let root = try Files.open("/", O_PATH | O_DIRECTORY)
      let directory = try Files.open(path, below: root.borrowed, [.inRoot, .noMagicLinks], O_PATH | O_DIRECTORY)
      try checkedErrno("fchdir", on: path, fchdir(directory.borrowed.rawValue))
      guard try Files.readLink("/proc/self/cwd").hasPrefix("/") else {
        throw SystemCallError("chdir", on: path, .noSuchFileOrDirectory)
      }
    }
  }

  private func loadFilter() throws(LaunchError) {
    guard let seccomp else { return }
    try attempt("load seccomp filter") {
      let filter = try CompiledFilter(wireBytes: seccomp)
      guard let recorder else { return try filter.load() }
      let listener = try filter.loadListening()
      try checked("sendmsg", stk_send_listener(recorder.rawValue, listener.borrowed.rawValue))
    }
  }

  private func environment(for user: ContainerUser) -> [String] {
    var environment = process.environment
    func has(_ name: String) -> Bool { environment.contains { $0.hasPrefix("\(name)=") } }
    if !has("PATH") { environment.append("PATH=\(Self.defaultPath)") }
    if !has("HOME") { environment.append("HOME=\(user.home)") }
    if process.hasTerminal && !has("TERM") { environment.append("TERM=xterm") }
    return environment
  }

  static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  /// Becomes the program (execve(2)), looked up in the PATH of its own environment.
  func execute(environment: [String]) throws(LaunchError) -> Never {
    guard let name = process.arguments.first, !name.isEmpty else {
      throw LaunchError("execute", "no command: neither the stack file nor the image names one", exitCode: 127)
    }
    Signals.unblockAll()
    let path = environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) } ?? Self.defaultPath
    let candidates = name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" }
    var failure = Errno.noSuchFileOrDirectory
    for candidate in candidates {
      let result = unsafe withCStrings(process.arguments) { arguments in
        unsafe withCStrings(environment) { variables in unsafe stk_execve(candidate, arguments, variables) }
      }
      let error = Errno(rawValue: -result)
      // As execvp(3): a name that is found but cannot be executed is remembered, and the search goes on.
      if ![.noSuchFileOrDirectory, .notDirectory].contains(error) { failure = error }
      if ![.noSuchFileOrDirectory, .notDirectory, .permissionDenied].contains(error) { break }
    }
    let isMissing = failure == .noSuchFileOrDirectory
    let reason =
      if isMissing, candidates.contains(where: { Files.exists($0) }) {
        "it is there, but what its first line or its dynamic loader names is not"
      } else if isMissing, !name.contains("/") {
        "not found in PATH (\(path))"
      } else {
        "\(failure)"
      }
    throw LaunchError("execute \(name)", reason, exitCode: isMissing ? 127 : 126)
  }
}
