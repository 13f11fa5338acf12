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
  /// Whether a working directory that is not there is made, as for a container's first process.
  var makesWorkingDirectory = true
  /// Where the listener of the filter is sent, when it asks one, and with which words.
  var listener: (socket: FileDescriptor, message: [UInt8])?

  /// Who the process is in numbers, instead of the container's files.
  var listed: ListedProcess?

  /// Called when the last change of credentials is done, after which PR_SET_PDEATHSIG stays (man 2 prctl).
  var credentialsChanged: () throws -> Void = {}

  /// Does everything but execve(2).
  /// - Parameter preserved: so many descriptors from 3 on stay open.
  func apply(keeping preserved: Int = 0) throws(LaunchError) -> [String] {
    let root = try attempt("open root") { try Files.open("/", O_PATH | O_DIRECTORY) }
    let user = try attempt("look up user \(process.user)") { try lookUpUser(in: root.borrowed) }
    if ownsStreams && user.uid != 0 {
      try attempt("give the streams to the user") {
        for stream: CInt in [1, 2] { try checkedErrno("fchown", fchown(stream, user.uid, user.gid)) }
      }
    } else if listed != nil && user.uid != 0 {
      giveStreams(to: user)
    }
    try setLimits()
    try listed?.apply()
    if makesWorkingDirectory || listed != nil { try makeWorkingDirectory(in: root.borrowed, user: user) }
    try attempt("drop capabilities of the bounding set") {
      try ProcessCapabilities.dropBounding(keeping: CapabilitySet(rawValue: capabilities.bounding))
    }
    try closeDescriptors(keeping: preserved)
    // Where the user may not go the runtime may have been told to put it, as other runtimes do; what is reached is checked in
    // both cases.
    let isInPlace = listed != nil && (try? enterWorkingDirectory()) != nil
    try attempt("become user \(process.user.isEmpty ? "root" : process.user)") {
      try ProcessCapabilities.setKeepCapabilities(true)
      if listed?.keepsGroups != true {
        let groups = user.supplementaryGroups
        try checked("setgroups", unsafe stk_setgroups(groups.count, groups))
      }
      try checked("setresgid", on: "\(user.gid)", stk_setresgid(user.gid, user.gid, user.gid))
      try checked("setresuid", on: "\(user.uid)", stk_setresuid(user.uid, user.uid, user.uid))
    }
    let state = state(for: user)
    // Without no_new_privs a filter needs CAP_SYS_ADMIN, which goes after it is loaded. Anything else that is done then, the
    // filter might refuse.
    let loadsWithPrivilege = seccomp != nil && !noNewPrivileges && !state.effective.contains(.sysAdmin)
    try attempt("set capabilities") {
      var early = state
      if loadsWithPrivilege {
        early.effective.insert(.sysAdmin)
        early.permitted.insert(.sysAdmin)
      }
      try ProcessCapabilities.apply(early)
      try ProcessCapabilities.setAmbient(state.ambient)
    }
    if !isInPlace { try enterWorkingDirectory() }
    let environment = environment(for: user)
    if noNewPrivileges { try attempt("set no_new_privs") { try ProcessCapabilities.setNoNewPrivileges() } }
    try attempt("hold on to the supervisor of the container", credentialsChanged)
    try loadFilter()
    if loadsWithPrivilege { try attempt("set capabilities") { try ProcessCapabilities.apply(state) } }
    return environment
  }

  /// The streams are whatever the caller had: the user can open them again (`/dev/stdout`) where they can be given away.
  private func giveStreams(to user: ContainerUser) {
    for stream: CInt in 0...2 {
      guard let status = try? Files.status(FileDescriptor(rawValue: stream)) else { continue }
      // The machine's /dev/null is everybody's.
      let isNull = status.st_mode & S_IFMT == S_IFCHR && status.st_rdev == stk_makedev(1, 3)
      // Best effort: what cannot be given away stays open.
      // A terminal's group is that of terminals, as its file system has been told.
      if !isNull { _ = fchown(stream, user.uid, isatty(stream) == 1 ? .max : user.gid) }
    }
  }

  private func lookUpUser(in root: FileDescriptor) throws -> ContainerUser {
    guard let listed else {
      return try ContainerUser(
        process.user, groups: process.groups, passwd: ContainerUser.database("etc/passwd", in: root),
        group: ContainerUser.database("etc/group", in: root))
    }
    // Only the home directory is the files' to say: without them it is the root.
    let passwd = (try? ContainerUser.database("etc/passwd", in: root)) ?? ""
    var user = try ContainerUser("\(listed.uid)", passwd: passwd, group: "")
    user.gid = listed.gid
    user.supplementaryGroups = listed.groups
    return user
  }

  /// Nothing of the host stays open for the program.
  private func closeDescriptors(keeping preserved: Int) throws(LaunchError) {
    try attempt("close descriptors") {
      try checked("close_range", stk_close_range(UInt32(3 + preserved), .max, CLOSE_RANGE_CLOEXEC))
      // Those that there are: the caller need not have as many as it says.
      for descriptor in 3..<CInt(3 + preserved) { _ = stk_set_close_on_exec(descriptor, 0) }
    }
  }

  /// A user other than root has no capabilities but the ambient ones, as after an execve(2) by that user.
  private func state(for user: ContainerUser) -> CapabilityState {
    let isRoot = user.uid == 0 || listed != nil
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
    if listed != nil {
      // Whether it can be made or not: that it is not there is said when it is entered.
      try? makeDirectories(path, in: root)
      return
    }
    try attempt("make working directory \(path)") { try makeDirectories(path, in: root) }
  }

  private func makeDirectories(_ path: String, in root: FileDescriptor) throws(SystemCallError) {
    var built = ""
    for part in path.split(separator: "/") {
      built += "/\(part)"
      let found = try Files.openIfPresent(built, below: root, [.inRoot, .noMagicLinks], O_PATH | O_DIRECTORY)
      if found == nil { try Files.makeDirectory(String(built.dropFirst()), in: root, mode: 0o755) }
    }
  }

  /// As the container's user, after all privileges are gone; the result must lie below the root.
  private func enterWorkingDirectory() throws(LaunchError) {
    let path = process.workingDirectory
    try attempt("chdir to working directory \(path)") {
      let root = try Files.open("/", O_PATH | O_DIRECTORY)
      let directory = try Files.open(path, below: root.borrowed, [.inRoot, .noMagicLinks], O_PATH | O_DIRECTORY)
      try checkedErrno("fchdir", on: path, fchdir(directory.borrowed.rawValue))
      // Not reachable from the root is what the kernel says about a directory of the host (CVE-2024-21626).
      guard let reached = unsafe getcwd(nil, 0) else { throw SystemCallError("getcwd", on: path, .latest) }
      defer { unsafe free(reached) }
      guard unsafe reached[0] == CChar(bitPattern: UInt8(ascii: "/")) else {
        throw SystemCallError("chdir", on: path, .noSuchFileOrDirectory)
      }
    }
  }

  private func loadFilter() throws(LaunchError) {
    guard let seccomp else { return }
    try attempt("load seccomp filter") {
      let filter = try CompiledFilter(wireBytes: seccomp)
      guard let (socket, message) = listener else { return try filter.load() }
      let descriptor = try filter.loadListening()
      try checked(
        "sendmsg",
        unsafe stk_send_listener(socket.rawValue, descriptor.borrowed.rawValue, message, message.count))
    }
  }

  private func environment(for user: ContainerUser) -> [String] {
    var environment = process.environment
    func has(_ name: String) -> Bool { environment.contains { $0.hasPrefix("\(name)=") } }
    if listed != nil {
      environment.removeAll { $0 == "HOME=" }
      if !has("HOME") { environment.append("HOME=\(user.home)") }
      return environment
    }
    if !has("PATH") { environment.append("PATH=\(Self.defaultPath)") }
    if !has("HOME") { environment.append("HOME=\(user.home)") }
    if process.hasTerminal && !has("TERM") { environment.append("TERM=xterm") }
    return environment
  }

  static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  private func candidates(for name: String, _ environment: [String]) -> (path: String, programs: [String]) {
    let path = environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) } ?? Self.defaultPath
    return (path, name.contains("/") ? [name] : path.split(separator: ":").map { "\($0)/\(name)" })
  }

  /// Whether there is a program to be executed, for who wants to know it before a container waits.
  func checkProgram() throws(LaunchError) {
    // Without one it is never told to go on.
    guard let name = process.arguments.first else { return }
    let (_, candidates) = candidates(for: name, process.environment)
    if name.contains("/") && !name.hasPrefix("/") { return }
    guard !candidates.contains(where: { unsafe access($0, X_OK) == 0 }) else { return }
    let exists = candidates.contains { Files.exists($0) }
    if exists { throw LaunchError("exec \(name)", Self.words(.permissionDenied), exitCode: 126) }
    let reason = name.contains("/") ? Self.words(.noSuchFileOrDirectory) : "executable file not found in $PATH"
    throw LaunchError("exec \(name)", reason, exitCode: 127)
  }

  /// The kernel's reason as it stands in the middle of a sentence.
  private static func words(_ error: Errno) -> String {
    let text = "\(error)"
    return text.prefix(1).lowercased() + text.dropFirst()
  }

  /// Becomes the program (execve(2)), looked up in the PATH of its own environment.
  func execute(environment: [String]) throws(LaunchError) -> Never {
    guard let name = process.arguments.first, !name.isEmpty else {
      throw LaunchError("execute", "no command: neither the stack file nor the image names one", exitCode: 127)
    }
    Signals.unblockAll()
    let (path, candidates) = candidates(for: name, environment)
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
    if listed != nil {
      throw LaunchError("exec \(name)", Self.words(failure), exitCode: isMissing ? 127 : 126)
    }
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
