import LinuxSystem
import SystemPackage

/// Why a profile could not be made into a filter.
package enum SeccompError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A function of libseccomp failed on something, for the most part a system call's name.
  case library(String, on: String, Errno)
  /// libseccomp does not know this architecture.
  case unknownArchitecture(String)
  /// The filter has this many instructions, more than the kernel takes.
  case tooLong(Int)
  case system(SystemCallError)

  package var description: String {
    switch self {
    case .library(let function, let object, let errno): "seccomp profile: \(function) \(object): \(errno)"
    case .unknownArchitecture(let name): "seccomp profile: libseccomp does not know the architecture \(name)"
    case .tooLong(let count):
      "seccomp profile: the filter has \(count) instructions, the kernel takes \(CompiledFilter.limit)"
    case .system(let error): "seccomp profile: \(error)"
    }
  }
}
