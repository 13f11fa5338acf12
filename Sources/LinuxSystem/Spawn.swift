import CLinuxShim
import Glibc
import SystemPackage

/// A program to start beside the calling one (posix_spawn(3)): never a fork of a process that may have threads.
package struct Spawn {
  package var path: String
  package var arguments: [String]
  package var environment: [String]
  /// Descriptor numbers of the new process; each is what the parent's descriptor is. All others are closed.
  package var descriptors: [CInt: FileDescriptor]
  /// Starts a new session (setsid(2)).
  package var newSession = false

  package init(path: String, arguments: [String], environment: [String], descriptors: [CInt: FileDescriptor]) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
    self.descriptors = descriptors
  }

  /// The environment of the calling program.
  package static var ownEnvironment: [String] {
    var strings: [String] = []
    var next = unsafe environ
    while let entry = unsafe next.pointee {
      strings.append(unsafe String(cString: entry))
      unsafe next += 1
    }
    return strings
  }

  /// Starts the program, with all signals unblocked.
  /// - Returns: its pid: the caller's child, to be reaped.
  package func start() throws(SystemCallError) -> pid_t {
    // Targets are filled in ascending order; a source that would be overwritten before its turn is moved out of the way.
    let highest = (descriptors.keys.max() ?? 2) + 1
    var moved: [SharedDescriptor] = []
    var sources: [CInt] = []
    var targets: [CInt] = []
    for (target, source) in descriptors.sorted(by: { $0.key < $1.key }) {
      if source.rawValue < highest {
        let copy = try checked("fcntl", stk_fcntl(source.rawValue, F_DUPFD_CLOEXEC, Int(highest)))
        moved.append(SharedDescriptor(OwnedDescriptor(owning: copy)))
        sources.append(copy)
      } else {
        sources.append(source.rawValue)
      }
      targets.append(target)
    }
    let pid = unsafe withCStrings(arguments) { argv in
      unsafe withCStrings(environment) { envp in
        unsafe stk_spawn(path, argv, envp, sources, targets, sources.count, highest, newSession ? 1 : 0)
      }
    }
    withExtendedLifetime(moved) {}
    return try checked("posix_spawn", on: path, pid)
  }
}

/// Calls `body` with a null-terminated array of C strings, as execve(2) takes them.
@unsafe package func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) throws -> Result
) rethrows -> Result {
  var pointers = unsafe strings.map { unsafe strdup($0) }
  unsafe pointers.append(nil)
  defer {
    for index in unsafe pointers.indices { unsafe free(pointers[index]) }
  }
  return try unsafe pointers.withUnsafeBufferPointer { buffer in
    // The array is never empty: it has its terminating null.
    var fallback: UnsafeMutablePointer<CChar>?
    return unsafe try withUnsafePointer(to: &fallback) { unsafe try body(buffer.baseAddress ?? $0) }
  }
}
