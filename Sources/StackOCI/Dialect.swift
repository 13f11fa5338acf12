import IsolationEngine

/// The ways of another runtime, in whose name the program was started, where engines and suites look at them and the
/// specification leaves them open.
enum Dialect: String, CaseIterable {
  case own = "stack-oci"
  case runc, crun

  /// Hooks of `createContainer` start in the container's root file system, not in the caller's directory.
  var hooksStartInRoot: Bool { self == .runc }

  /// A container without a program can be started, and ends; the specification says that this is an error.
  var endsWithoutProgram: Bool { self == .crun }

  /// The version that the container process state is said to be of, which is what a listener of calls is told.
  var listenerVersion: String { self == .crun ? "0.2.0" : ContainerRecord.specificationVersion }

  /// What a command says of its failure.
  func text(of error: any Error, command: String?) -> String {
    guard self == .runc, let command, let error = error as? LaunchError, error.exitCode == 125 else {
      return "\(error)"
    }
    let step = error.step.hasPrefix("mount ") ? "error mounting \(error.step.dropFirst(6))" : error.step
    // The last part is the kernel's: in the middle of a sentence it begins with a small letter.
    var parts = error.reason.split(separator: ": ", omittingEmptySubsequences: false).map(String.init)
    if let last = parts.popLast() { parts.append(last.prefix(1).lowercased() + last.dropFirst()) }
    return """
      runc \(command) failed: unable to start container process: error during container init: \
      \(step): \(parts.joined(separator: ": "))
      """
  }

  /// What `--version` says of features: crun's words for what there is, of systemd the notification socket.
  var features: String { self == .crun ? "+SYSTEMD +APPARMOR +CAP +SECCOMP +EBPF\n" : "" }
}
