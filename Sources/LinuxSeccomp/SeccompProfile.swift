import Glibc
import LinuxCapabilities
import LinuxSystem

/// Which system calls a container may make: Docker's and OCI's profile, as a value.
package struct SeccompProfile: Hashable, Sendable {
  /// What happens with a call that no rule is about.
  package var defaultAction: SeccompAction
  /// Which architectures' calls may be made; others end the caller. The native one always may.
  package var architectures: Architectures
  package var flags: SeccompFlags
  /// In any order: of the rules that match a call one for all arguments wins over one for some.
  package var rules: [SeccompRule]
  /// Calls that are refused before any rule is asked, whatever the rules say.
  package var refusals: [SeccompRefusal]

  package init(
    defaultAction: SeccompAction, architectures: Architectures = .listed([]), flags: SeccompFlags = [],
    rules: [SeccompRule], refusals: [SeccompRefusal] = []
  ) {
    self.defaultAction = defaultAction
    self.architectures = architectures
    self.flags = flags
    self.rules = rules
    self.refusals = refusals
  }

  package enum Architectures: Hashable, Sendable {
    /// These, whatever the machine is (`architectures`).
    case listed([SeccompArchitecture])
    /// Those that go with the native one (`archMap`).
    case mapped([SeccompArchitecture: [SeccompArchitecture]])
  }
}

/// What the kernel does with a call (seccomp(2), SECCOMP_RET_*).
package enum SeccompAction: Hashable, Sendable {
  case killProcess
  case killThread
  /// SIGSYS.
  case trap
  /// The call is not made and fails with this error number.
  case errno(UInt16)
  /// A tracer is told this number; without one the call fails with ENOSYS.
  case trace(UInt16)
  /// A listener is asked (seccomp_unotify(2)); without one the call fails with ENOSYS.
  case notify
  /// The call is made, and logged.
  case log
  case allow

  /// The filter's return value.
  package var rawValue: UInt32 {
    switch self {
    case .killProcess: 0x8000_0000
    case .killThread: 0
    case .trap: 0x0003_0000
    case .errno(let number): 0x0005_0000 | UInt32(number)
    case .notify: 0x7fc0_0000
    case .trace(let number): 0x7ff0_0000 | UInt32(number)
    case .log: 0x7ffc_0000
    case .allow: 0x7fff_0000
    }
  }
}

/// How a filter is loaded (seccomp(2), SECCOMP_FILTER_FLAG_*).
package struct SeccompFlags: OptionSet, Hashable, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }
  /// Actions other than `allow` are logged.
  package static let log = SeccompFlags(rawValue: 1 << 1)
  /// Speculative store bypass stays as it is.
  package static let speculationAllowed = SeccompFlags(rawValue: 1 << 2)
  /// While a listener works at a call, only a signal that kills interrupts it (Linux 5.19).
  package static let waitsKillable = SeccompFlags(rawValue: 1 << 5)
}

/// What happens with some calls, when the container is such that the rule is for it.
package struct SeccompRule: Hashable, Sendable {
  /// Names that neither the library nor this program knows are left out: a profile may be newer than both.
  package var names: [String]
  package var action: SeccompAction
  /// All must hold, but of those about the same argument one must.
  package var conditions: [SeccompCondition]
  /// The rule is for containers with all of these...
  package var includes: SeccompScope
  /// ...and none of those.
  package var excludes: SeccompScope

  package init(
    _ action: SeccompAction, _ names: [String], _ conditions: [SeccompCondition] = [],
    includes: SeccompScope = SeccompScope(), excludes: SeccompScope = SeccompScope()
  ) {
    self.names = names
    self.action = action
    self.conditions = conditions
    self.includes = includes
    self.excludes = excludes
  }
}

/// A comparison of an argument.
package struct SeccompCondition: Hashable, Sendable {
  package enum Comparison: String, Hashable, Sendable {
    case notEqual = "SCMP_CMP_NE"
    case less = "SCMP_CMP_LT"
    case lessOrEqual = "SCMP_CMP_LE"
    case equal = "SCMP_CMP_EQ"
    case greaterOrEqual = "SCMP_CMP_GE"
    case greater = "SCMP_CMP_GT"
    /// The argument's bits that are in `value` are those of `second`.
    case masked = "SCMP_CMP_MASKED_EQ"
  }

  /// 0 to 5.
  package var argument: UInt32
  package var comparison: Comparison
  package var value: UInt64
  package var second: UInt64

  package init(argument: UInt32, _ comparison: Comparison, _ value: UInt64, _ second: UInt64 = 0) {
    self.argument = argument
    self.comparison = comparison
    self.value = value
    self.second = second
  }
}

/// Properties of a container and its machine. What is empty says nothing.
package struct SeccompScope: Hashable, Sendable {
  package var capabilities: CapabilitySet
  /// Names of capabilities that this program does not know: nobody has them.
  package var unknownCapabilities: [String]
  /// Native architectures by Docker's names: `amd64`, `arm64`, ...
  package var architectures: [String]
  package var minimumKernel: KernelVersion?

  package init(
    capabilities: CapabilitySet = [], unknownCapabilities: [String] = [], architectures: [String] = [],
    minimumKernel: KernelVersion? = nil
  ) {
    self.capabilities = capabilities
    self.unknownCapabilities = unknownCapabilities
    self.architectures = architectures
    self.minimumKernel = minimumKernel
  }
}

/// A call that is refused with EPERM when one of its arguments is one of some values.
///
/// Only the lower 32 bits are compared, which is all that the kernel looks at in an argument such as ioctl(2)'s request: a
/// comparison of all 64, as rules make it, is evaded by setting a bit above.
package struct SeccompRefusal: Hashable, Sendable {
  package var name: String
  package var argument: UInt32
  package var values: [UInt32]

  package init(_ name: String, argument: UInt32, values: [UInt32]) {
    self.name = name
    self.argument = argument
    self.values = values
  }
}

/// An architecture whose calls a kernel may offer, by libseccomp's name.
package struct SeccompArchitecture: Hashable, Sendable {
  /// For example `x86_64`.
  package let name: String

  private static let names: Set<String> = [
    "x86", "x86_64", "x32", "arm", "aarch64", "loongarch64", "m68k", "mips", "mips64", "mips64n32", "mipsel",
    "mipsel64",
    "mipsel64n32", "ppc", "ppc64", "ppc64le", "s390", "s390x", "parisc", "parisc64", "riscv64", "sheb", "sh",
  ]

  /// All, as profiles name them, sorted.
  package static var profileNames: [String] { names.map { "SCMP_ARCH_\($0.uppercased())" }.sorted() }

  /// Reads a profile's `SCMP_ARCH_X86_64`; nil when there is no such architecture.
  package init?(profileName: String) {
    guard profileName.hasPrefix("SCMP_ARCH_") else { return nil }
    let name = profileName.dropFirst("SCMP_ARCH_".count).lowercased()
    guard Self.names.contains(name) else { return nil }
    self.name = name
  }

  init(known name: String) {
    self.name = name
  }

  #if arch(x86_64)
    /// The one that this program is built for.
    package static let native = SeccompArchitecture(known: "x86_64")
    /// Docker's name for it.
    package static let nativeDockerName = "amd64"
  #elseif arch(arm64)
    package static let native = SeccompArchitecture(known: "aarch64")
    package static let nativeDockerName = "arm64"
  #endif
}

/// The first two numbers of a kernel's release.
package struct KernelVersion: Hashable, Comparable, Sendable {
  package let major: Int
  package let minor: Int

  package init(_ major: Int, _ minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Reads `6.1`, `6.1.0-18-amd64`; nil for anything else.
  package init?(_ release: String) {
    let parts = release.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix(while: \.isNumber)),
      major >= 0
    else { return nil }
    self.init(major, minor)
  }

  package static func < (left: KernelVersion, right: KernelVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }
}
