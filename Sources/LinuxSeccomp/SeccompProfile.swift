/// A seccomp profile: what is done with each system call, as Docker and the OCI runtime specification write it.
package struct SeccompProfile: Hashable, Sendable {
  package enum Action: Hashable, Sendable {
    case allow
    case log
    /// The call fails with this error number.
    case errno(UInt16)
    case killThread
    case killProcess
    case trap
    /// For a tracer, with this value.
    case trace(UInt16)
  }

  package enum Comparison: String, Hashable, Sendable, CaseIterable {
    case notEqual = "SCMP_CMP_NE"
    case less = "SCMP_CMP_LT"
    case lessOrEqual = "SCMP_CMP_LE"
    case equal = "SCMP_CMP_EQ"
    case greaterOrEqual = "SCMP_CMP_GE"
    case greater = "SCMP_CMP_GT"
    /// `argument & value == valueTwo`.
    case maskedEqual = "SCMP_CMP_MASKED_EQ"
  }

  package struct Condition: Hashable, Sendable {
    /// 0 to 5.
    package let argument: UInt32
    package let comparison: Comparison
    package let value: UInt64
    package let valueTwo: UInt64

    package init(_ argument: UInt32, _ comparison: Comparison, _ value: UInt64, _ valueTwo: UInt64 = 0) {
      self.argument = argument
      self.comparison = comparison
      self.value = value
      self.valueTwo = valueTwo
    }
  }

  /// When a rule counts at all.
  package struct Filter: Hashable, Sendable {
    /// Names of capabilities, `CAP_SYS_ADMIN`.
    package var capabilities: [String] = []
    /// Go's names of architectures, `amd64`.
    package var architectures: [String] = []
    /// Major and minor number of the oldest kernel.
    package var minimumKernel: KernelVersion?

    package init() {}
  }

  package struct Rule: Hashable, Sendable {
    package var names: [String]
    package var action: Action
    /// All must hold.
    package var conditions: [Condition] = []
    package var includes = Filter()
    package var excludes = Filter()

    package init(_ names: [String], _ action: Action) {
      self.names = names
      self.action = action
    }
  }

  package var defaultAction: Action
  /// Besides the native one: `SCMP_ARCH_X86`.
  package var architectures: [String] = []
  /// SECCOMP_FILTER_FLAG_* by name.
  package var flags: [String] = []
  package var rules: [Rule] = []

  package init(defaultAction: Action) {
    self.defaultAction = defaultAction
  }

  /// What containers get unless they say otherwise: equal in effect to Docker's default profile.
  package static let `default`: SeccompProfile = {
    let permissionDenied: UInt16 = 1
    let notImplemented: UInt16 = 38
    var profile = SeccompProfile(defaultAction: .errno(permissionDenied))
    #if arch(x86_64)
      profile.architectures = ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]
      let native = ["arch_prctl", "modify_ldt"]
    #else
      profile.architectures = ["SCMP_ARCH_ARM"]
      let native = [
        "arm_fadvise64_64", "arm_sync_file_range", "sync_file_range2", "breakpoint", "cacheflush", "set_tls",
      ]
    #endif
    var rules = [Rule(alwaysAllowed + native, .allow)]
    var tracing = Rule(["process_vm_readv", "process_vm_writev", "ptrace"], .allow)
    // Before 4.8 a tracer could change a system call after the filter had seen it.
    tracing.includes.minimumKernel = KernelVersion(major: 4, minor: 8)
    rules.append(tracing)
    // Every family but AF_ALG (38) and AF_VSOCK (40).
    for condition in [Condition(0, .less, 38), Condition(0, .equal, 39), Condition(0, .greater, 40)] {
      rules.append(rule("socket", condition))
    }
    for persona: UInt64 in [0, 0x8, 0x20000, 0x20008, 0xffff_ffff] {
      rules.append(rule("personality", Condition(0, .equal, persona)))
    }
    for (capability, names) in allowedByCapability {
      var allowed = Rule(names, .allow)
      allowed.includes.capabilities = [capability]
      rules.append(allowed)
    }
    // No new namespaces without CAP_SYS_ADMIN: all CLONE_NEW* bits must be clear. The flags of clone3 are in memory, where a
    // filter cannot look; told that it does not exist, the C library takes clone.
    var clone = rule("clone", Condition(0, .maskedEqual, 0x7e02_0000, 0))
    clone.excludes.capabilities = ["CAP_SYS_ADMIN"]
    var clone3 = Rule(["clone3"], .errno(notImplemented))
    clone3.excludes.capabilities = ["CAP_SYS_ADMIN"]
    profile.rules = rules + [clone, clone3]
    return profile
  }()

  private static func rule(_ name: String, _ condition: Condition) -> Rule {
    var rule = Rule([name], .allow)
    rule.conditions = [condition]
    return rule
  }
}

/// The first two numbers of a kernel's release.
package struct KernelVersion: Hashable, Comparable, Sendable {
  package let major: Int
  package let minor: Int

  package init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// `6.1.0-13-amd64`, or `4.8`.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".")
    guard parts.count >= 2, let major = Int(parts[0]), let minor = Int(parts[1].prefix { $0.isNumber }) else { return nil }
    self.init(major: major, minor: minor)
  }

  package static func < (left: Self, right: Self) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }
}
