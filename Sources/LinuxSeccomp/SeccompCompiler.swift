import CSeccomp
import Glibc
import LinuxSystem
import SystemPackage

/// Compiles profiles to BPF with libseccomp.
package struct SeccompCompiler {
  /// Names of the container's capabilities, `CAP_CHOWN`: they decide which rules of a profile count.
  private let capabilities: Set<String>
  private let kernel: KernelVersion

  package init(capabilities: some Sequence<String>, kernel: KernelVersion) {
    self.capabilities = Set(capabilities)
    self.kernel = kernel
  }

  /// What went wrong in libseccomp, as errno.
  package func compile(_ profile: SeccompProfile) throws(SystemCallError) -> CompiledFilter {
    guard let context = unsafe seccomp_init(Self.code(profile.defaultAction)) else {
      throw SystemCallError("seccomp_init", .invalidArgument)
    }
    defer { unsafe seccomp_release(context) }
    // A tree of comparisons instead of a list: each system call of the service is looked up in a few steps.
    try checked("seccomp_attr_set", unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2))
    for name in profile.architectures {
      guard let architecture = Self.architectures[name] else { continue }
      let result = unsafe seccomp_arch_add(context, architecture)
      if result != -EEXIST { try checked("seccomp_arch_add", on: name, result) }
    }
    var highest: CInt = 0
    for rule in profile.rules where counts(rule) {
      for name in rule.names {
        let number = unsafe seccomp_syscall_resolve_name(name)
        // A name that libseccomp does not know is of another kernel or architecture: docker leaves it out as well.
        if number == __NR_SCMP_ERROR { continue }
        highest = max(highest, number)
        if Self.code(rule.action) == Self.code(profile.defaultAction) { continue }
        try unsafe add(rule, name: name, number: number, to: context)
      }
    }
    let instructions = try unsafe export(context)
    return CompiledFilter(
      instructions: Self.unknownCallsPrefix(profile, highest: highest) + instructions, flags: Self.flags(profile.flags))
  }

  private func counts(_ rule: SeccompProfile.Rule) -> Bool {
    let included = rule.includes
    let excluded = rule.excludes
    let architecture = SeccompProfile.goArchitecture
    if !included.architectures.isEmpty && !included.architectures.contains(architecture) { return false }
    if let minimum = included.minimumKernel, kernel < minimum { return false }
    if !included.capabilities.allSatisfy(capabilities.contains) { return false }
    if excluded.architectures.contains(architecture) { return false }
    if let minimum = excluded.minimumKernel, kernel >= minimum { return false }
    return !excluded.capabilities.contains(where: capabilities.contains)
  }

  @unsafe private func add(
    _ rule: SeccompProfile.Rule, name: String, number: CInt, to context: scmp_filter_ctx
  ) throws(SystemCallError) {
    let comparisons = rule.conditions.map { condition in
      scmp_arg_cmp(
        arg: condition.argument, op: Self.operators[condition.comparison] ?? SCMP_CMP_EQ, datum_a: condition.value,
        datum_b: condition.valueTwo)
    }
    // Two conditions on one argument cannot be joined in one rule: they count one by one, as in runc.
    let arguments = rule.conditions.map(\.argument)
    let groups = Set(arguments).count == arguments.count ? [comparisons] : comparisons.map { [$0] }
    for group in groups {
      let result = unsafe seccomp_rule_add_array(
        context, Self.code(rule.action), number, UInt32(group.count), group)
      // Other rules for the call may say the same already, or the architecture may not have it.
      if result == -EEXIST || result == -EDOM { continue }
      try checked("seccomp_rule_add", on: name, result)
    }
  }

  @unsafe private func export(_ context: scmp_filter_ctx) throws(SystemCallError) -> [UInt8] {
    let file = try Files.memory(named: "seccomp")
    try checked("seccomp_export_bpf", unsafe seccomp_export_bpf(context, file.borrowed.rawValue))
    try checkedErrno("lseek", lseek(file.borrowed.rawValue, 0, SEEK_SET))
    return try Files.readAll(file.borrowed)
  }

  private static func code(_ action: SeccompProfile.Action) -> UInt32 {
    switch action {
    case .allow: 0x7fff_0000
    case .log: 0x7ffc_0000
    case .errno(let number): 0x0005_0000 | UInt32(number)
    case .killThread: 0
    case .killProcess: 0x8000_0000
    case .trap: 0x0003_0000
    case .trace(let value): 0x7ff0_0000 | UInt32(value)
    }
  }

  private static let operators: [SeccompProfile.Comparison: scmp_compare] = [
    .notEqual: SCMP_CMP_NE, .less: SCMP_CMP_LT, .lessOrEqual: SCMP_CMP_LE, .equal: SCMP_CMP_EQ,
    .greaterOrEqual: SCMP_CMP_GE, .greater: SCMP_CMP_GT, .maskedEqual: SCMP_CMP_MASKED_EQ,
  ]

  /// libseccomp's tokens: the audit numbers of the kernel (linux/audit.h); x32 has one of its own.
  private static let architectures: [String: UInt32] = [
    "SCMP_ARCH_X86_64": 0xc000_003e, "SCMP_ARCH_X86": 0x4000_0003, "SCMP_ARCH_X32": 0x4000_003e,
    "SCMP_ARCH_AARCH64": 0xc000_00b7, "SCMP_ARCH_ARM": 0x4000_0028,
  ]

  #if arch(x86_64)
    private static let nativeAudit: UInt32 = 0xc000_003e
  #else
    private static let nativeAudit: UInt32 = 0xc000_00b7
  #endif

  private static func flags(_ names: [String]) -> UInt32 {
    let bits: [String: UInt32] = ["SECCOMP_FILTER_FLAG_LOG": 1 << 1, "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 1 << 2]
    return names.reduce(0) { $0 | (bits[$1] ?? 0) }
  }

  /// Answers calls that are newer than the profile with ENOSYS, so that programs take their older way: EPERM would make
  /// them give up. Six instructions before the filter (linux/bpf_common.h, linux/filter.h).
  private static func unknownCallsPrefix(_ profile: SeccompProfile, highest: CInt) -> [UInt8] {
    guard case .errno(let number) = profile.defaultAction, number != 38, highest > 0 else { return [] }
    let load: UInt16 = 0x20
    let jumpEqual: UInt16 = 0x15
    let jumpGreater: UInt16 = 0x25
    let jumpGreaterOrEqual: UInt16 = 0x35
    let `return`: UInt16 = 0x06
    // seccomp_data: the number at 0, the architecture at 4. Jumps count from the next instruction.
    let program: [(code: UInt16, yes: UInt8, no: UInt8, value: UInt32)] = [
      (load, 0, 0, 4), (jumpEqual, 0, 4, nativeAudit), (load, 0, 0, 0), (jumpGreater, 0, 2, UInt32(highest)),
      // Numbers from 2^30 on are x32's.
      (jumpGreaterOrEqual, 1, 0, 0x4000_0000), (`return`, 0, 0, 0x0005_0000 | 38),
    ]
    return program.flatMap { instruction in
      [
        UInt8(truncatingIfNeeded: instruction.code), UInt8(instruction.code >> 8), instruction.yes, instruction.no,
      ] + (0..<4).map { UInt8(truncatingIfNeeded: instruction.value >> (8 * UInt32($0))) }
    }
  }
}
