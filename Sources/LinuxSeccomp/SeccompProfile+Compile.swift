import CLinuxShim
import CSeccomp
import Glibc
import LinuxCapabilities
import LinuxSystem
import SystemPackage

extension SeccompProfile {
  /// Makes the filter for a container. Takes some milliseconds for the default profile: see `SeccompCache`.
  ///
  /// - Parameters:
  ///   - capabilities: the container's bounding set, which rules may be tied to.
  ///   - kernel: nil is the running one.
  package func compile(
    capabilities: CapabilitySet, kernel: KernelVersion? = nil
  ) throws(SeccompError) -> CompiledFilter {
    let kernel = kernel ?? KernelVersion(KernelRelease.running) ?? KernelVersion(0, 0)
    // A rule that says what happens anyway is left out: libseccomp refuses it.
    let active = rules.filter { rule in
      rule.applies(capabilities: capabilities, kernel: kernel) && rule.action != defaultAction
    }
    let tokens = try architectureTokens()
    let library = try SeccompLibrary(defaultAction: defaultAction)
    for (name, token) in tokens { try library.add(architecture: name, token) }
    for rule in active {
      for name in rule.names { try library.add(rule, name) }
    }
    let prelude = SeccompPrelude(self, active: active, tokens: tokens.map(\.token))
    let instructions = prelude.bytes + (try library.export())
    guard instructions.count / 8 <= CompiledFilter.limit else { throw .tooLong(instructions.count / 8) }
    return CompiledFilter(instructions: instructions, flags: flags)
  }

  /// The native architecture and those that the profile adds, with libseccomp's tokens.
  private func architectureTokens() throws(SeccompError) -> [(name: String, token: UInt32)] {
    let others =
      switch architectures {
      case .listed(let list): list
      case .mapped(let map): map[.native] ?? []
      }
    var tokens: [(name: String, token: UInt32)] = []
    for architecture in [.native] + others where !tokens.contains(where: { $0.name == architecture.name }) {
      let token = unsafe seccomp_arch_resolve_name(architecture.name)
      if token == 0 { throw .unknownArchitecture(architecture.name) }
      tokens.append((architecture.name, token))
    }
    return tokens
  }
}

extension SeccompProfile {
  /// The names in rules that nobody here knows: no rule is made of them.
  package var unknownNames: [String] {
    rules.flatMap(\.names).filter { name in
      // Known to the library: as a number, or as a call that other architectures have.
      let isKnown = unsafe seccomp_syscall_resolve_name(name) != SeccompCalls.unknown
      return !isKnown && SeccompCalls.newer(name, SeccompCalls.native) == nil
    }
  }
}

extension SeccompRule {
  /// Whether the rule is for such a container: all that it includes is there, nothing that it excludes.
  fileprivate func applies(capabilities: CapabilitySet, kernel: KernelVersion) -> Bool {
    let native = SeccompArchitecture.nativeDockerName
    if excludes.architectures.contains(native) || !excludes.capabilities.isDisjoint(with: capabilities) { return false }
    if let minimum = excludes.minimumKernel, kernel >= minimum { return false }
    if !includes.architectures.isEmpty && !includes.architectures.contains(native) { return false }
    if !includes.unknownCapabilities.isEmpty || !includes.capabilities.isSubset(of: capabilities) { return false }
    if let minimum = includes.minimumKernel, kernel < minimum { return false }
    return true
  }
}

/// A filter of libseccomp while it is built.
@safe private final class SeccompLibrary {
  private let context: UnsafeMutableRawPointer

  init(defaultAction: SeccompAction) throws(SeccompError) {
    guard let context = unsafe seccomp_init(defaultAction.rawValue) else {
      throw .library("seccomp_init", on: "\(defaultAction)", .invalidArgument)
    }
    unsafe self.context = unsafe context
    // A binary tree over the numbers: each call costs as much as any other. Otherwise they are tried one after the other.
    try check("seccomp_attr_set", on: "optimize", unsafe seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2))
  }

  deinit {
    unsafe seccomp_release(context)
  }

  private func check(_ function: String, on object: String, _ result: CInt) throws(SeccompError) {
    if result < 0 { throw .library(function, on: object, Errno(rawValue: -result)) }
  }

  func add(architecture name: String, _ token: UInt32) throws(SeccompError) {
    // The native one is there from the start.
    if unsafe seccomp_arch_exist(context, token) == 0 { return }
    try check("seccomp_arch_add", on: name, unsafe seccomp_arch_add(context, token))
  }

  func add(_ rule: SeccompRule, _ name: String) throws(SeccompError) {
    let number = unsafe seccomp_syscall_resolve_name(name)
    // Unknown to the library: the prelude may know it.
    if number == SeccompCalls.unknown { return }
    let arguments = rule.conditions.map { condition in
      scmp_arg_cmp(
        arg: condition.argument, op: condition.comparison.library, datum_a: condition.value, datum_b: condition.second)
    }
    // Conditions on one argument are alternatives, as docker takes them; the library has no way to combine them either.
    if Set(rule.conditions.map(\.argument)).count < arguments.count {
      for argument in arguments { try add(rule.action, name, number, [argument]) }
    } else {
      try add(rule.action, name, number, arguments)
    }
  }

  private func add(
    _ action: SeccompAction, _ name: String, _ number: CInt, _ arguments: [scmp_arg_cmp]
  ) throws(SeccompError) {
    let count = UInt32(arguments.count)
    try check(
      "seccomp_rule_add", on: name, unsafe seccomp_rule_add_array(context, action.rawValue, number, count, arguments))
  }

  /// The program. The library writes it to a descriptor only (before its version 2.6).
  func export() throws(SeccompError) -> [UInt8] {
    do throws(SystemCallError) {
      let memory = OwnedDescriptor(owning: try checked("memfd_create", unsafe stk_memfd("seccomp")))
      let descriptor = memory.borrowed
      let result = unsafe seccomp_export_bpf(context, descriptor.rawValue)
      if result < 0 { throw SystemCallError("seccomp_export_bpf", Errno(rawValue: -result)) }
      lseek(descriptor.rawValue, 0, SEEK_SET)
      return try Files.readAll(descriptor, object: "seccomp")
    } catch {
      throw .system(error)
    }
  }
}

extension SeccompCondition.Comparison {
  fileprivate var library: scmp_compare {
    switch self {
    case .notEqual: SCMP_CMP_NE
    case .less: SCMP_CMP_LT
    case .lessOrEqual: SCMP_CMP_LE
    case .equal: SCMP_CMP_EQ
    case .greaterOrEqual: SCMP_CMP_GE
    case .greater: SCMP_CMP_GT
    case .masked: SCMP_CMP_MASKED_EQ
    }
  }
}

/// The running kernel's release (uname(2)).
enum KernelRelease {
  static var running: String {
    var name = utsname()
    // Cannot fail with a valid buffer.
    unsafe uname(&name)
    return unsafe withUnsafeBytes(of: &name.release) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
