import CLinuxShim
import Glibc
import LinuxSystem
import SystemPackage

/// Device rules as a program for the kernel (BPF_PROG_TYPE_CGROUP_DEVICE): what version 2 has instead of a devices controller.
///
/// The program sees the kind of device, the access, and the numbers (struct bpf_cgroup_dev_ctx), and returns 1 to allow.
package struct DeviceProgram: Hashable, Sendable {
  /// Each is a struct bpf_insn in memory.
  package private(set) var instructions: [UInt64] = []

  private enum Register: UInt64 {
    case result = 0
    case context = 1
    case kind = 2
    case access = 3
    case major = 4
    case minor = 5
    case scratch = 6
  }

  package init(_ rules: DeviceRules) {
    if !rules.allowsAll {
      loadContext()
      for rule in rules.allowed {
        add(DeviceDecision(isAllowed: true, rule.kind, rule.major, rule.minor, rule.access))
      }
    }
    exit(returning: rules.allowsAll ? 1 : 0)
  }

  /// Of a list of decisions the last one that matches counts; without any, nothing is allowed.
  package init(_ decisions: [DeviceDecision]) {
    loadContext()
    for decision in decisions.reversed() {
      add(decision)
      // The kernel refuses a program with instructions that nothing leads to.
      if decision.isUnconditional { return }
    }
    exit(returning: 0)
  }

  private mutating func loadContext() {
    load(.kind, offset: 0)
    and(.kind, 0xffff)
    load(.access, offset: 0)
    shiftRight(.access, 16)
    load(.major, offset: 4)
    load(.minor, offset: 8)
  }

  /// An access is allowed when it is part of what a rule allows, and denied when a rule denies a part of it.
  private mutating func add(_ decision: DeviceDecision) {
    var tests: [(Register, UInt32)] = []
    if let kind = decision.kind { tests.append((.kind, kind == .block ? 1 : 2)) }
    if let major = decision.major { tests.append((.major, major)) }
    if let minor = decision.minor { tests.append((.minor, minor)) }
    let isPartial = decision.access != .all
    // What follows a failed test: the tests after it, three instructions for the access, two to decide.
    var rest = tests.count + (isPartial ? 3 : 0) + 2
    for (register, value) in tests {
      rest -= 1
      jump(over: rest, unless: register, equals: value)
    }
    if isPartial {
      move(.scratch, .access)
      if decision.isAllowed {
        and(.scratch, UInt32(~decision.access.rawValue & DeviceRules.Access.all.rawValue))
        jump(over: 2, unless: .scratch, equals: 0)
      } else {
        and(.scratch, UInt32(decision.access.rawValue))
        jump(over: 2, when: .scratch, equals: 0)
      }
    }
    exit(returning: decision.isAllowed ? 1 : 0)
  }

  /// Loads the program and attaches it to a group, for as long as the group exists. Needs CAP_BPF or CAP_SYS_ADMIN, and
  /// CAP_NET_ADMIN.
  ///
  /// Programs of the groups above are asked too, and all must allow.
  func attach(to directory: String) throws(SystemCallError) {
    let program = OwnedDescriptor(
      owning: try checked(
        "bpf BPF_PROG_LOAD", on: directory, unsafe stk_bpf_load_device_program(instructions, instructions.count)))
    let group = try Files.open(directory, O_RDONLY | O_DIRECTORY)
    try checked(
      "bpf BPF_PROG_ATTACH", on: directory,
      stk_bpf_attach_device_program(group.borrowed.rawValue, program.borrowed.rawValue))
  }

  // The codes are those of linux/bpf.h; all arithmetic is on the lower 32 bits.

  private mutating func load(_ register: Register, offset: UInt64) {
    // BPF_LDX | BPF_MEM | BPF_W
    emit(0x61, register, source: .context, offset: offset)
  }

  private mutating func and(_ register: Register, _ value: UInt32) {
    // BPF_ALU | BPF_AND | BPF_K
    emit(0x54, register, immediate: value)
  }

  private mutating func shiftRight(_ register: Register, _ count: UInt32) {
    // BPF_ALU | BPF_RSH | BPF_K
    emit(0x74, register, immediate: count)
  }

  private mutating func move(_ register: Register, _ source: Register) {
    // BPF_ALU | BPF_MOV | BPF_X
    emit(0xbc, register, source: source)
  }

  private mutating func jump(over count: Int, unless register: Register, equals value: UInt32) {
    // BPF_JMP32 | BPF_JNE | BPF_K
    emit(0x56, register, offset: UInt64(count), immediate: value)
  }

  private mutating func jump(over count: Int, when register: Register, equals value: UInt32) {
    // BPF_JMP32 | BPF_JEQ | BPF_K
    emit(0x16, register, offset: UInt64(count), immediate: value)
  }

  private mutating func exit(returning value: UInt32) {
    // BPF_ALU64 | BPF_MOV | BPF_K, then BPF_JMP | BPF_EXIT
    emit(0xb7, .result, immediate: value)
    emit(0x95, .result)
  }

  private mutating func emit(
    _ code: UInt64, _ register: Register, source: Register = .result, offset: UInt64 = 0, immediate: UInt32 = 0
  ) {
    let registers = register.rawValue | source.rawValue << 4
    instructions.append(code | registers << 8 | (offset & 0xffff) << 16 | UInt64(immediate) << 32)
  }
}
