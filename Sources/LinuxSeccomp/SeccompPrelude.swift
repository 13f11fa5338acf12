import CLinuxShim
import Glibc

/// Instructions that run before libseccomp's program, and do what it cannot express:
///
///  * refusals by the lower half of an argument;
///  * rules for calls that are newer than the library;
///  * ENOSYS for calls that are newer than the profile: programs then do without them, where EPERM would make them fail.
///
/// What none of that concerns falls through to the library's program.
struct SeccompPrelude {
  private var program = ClassicProgram()

  /// Each instruction is a struct sock_filter.
  var bytes: [UInt8] { program.bytes }

  /// Offsets in struct seccomp_data.
  private enum Offset {
    static let number: UInt32 = 0
    static let architecture: UInt32 = 4
    static func argument(_ index: UInt32) -> UInt32 { 16 + 8 * index }
  }

  init(_ profile: SeccompProfile, active: [SeccompRule], tokens: [UInt32]) {
    if profile.asksListener { program.append(listenerHandover()) }
    let x32 = tokens.contains(SeccompCalls.x32) ? part(profile, active, SeccompCalls.x32) : nil
    let parts = tokens.filter { $0 != SeccompCalls.x32 }.map { token in
      var whole = ClassicProgram()
      whole.load(Offset.number)
      let own = part(profile, active, token)
      if let x32, token == SeccompCalls.x86x64 {
        whole.unless(.atLeast, SeccompCalls.x32Bit, over: x32.count + 1)
        whole.append(x32)
        whole.skip(own.count)
      }
      whole.append(own)
      return (token: token, program: whole)
    }
    guard parts.contains(where: { $0.program.count > 1 }) else { return }
    var rest = parts.reduce(0) { $0 + $1.program.count + 3 }
    program.load(Offset.architecture)
    for part in parts {
      rest -= part.program.count + 3
      // The library's program makes its own start: nothing that is in the accumulator matters to it.
      program.when(.equal, part.token, over: 1)
      program.skip(part.program.count + 1)
      program.append(part.program)
      program.skip(rest)
    }
  }

  /// Lets the call through by which a process hands its listener over: see `stk_send_listener`.
  private func listenerHandover() -> ClassicProgram {
    var handover = ClassicProgram()
    let mark = STK_LISTENER_MARK
    let number = SeccompCalls.known("sendmsg", SeccompCalls.native) ?? .max
    let tests: [(offset: UInt32, value: UInt32)] = [
      (Offset.architecture, SeccompCalls.native), (Offset.number, number),
      (Offset.argument(5), UInt32(truncatingIfNeeded: mark)), (Offset.argument(5) + 4, UInt32(mark >> 32)),
    ]
    for (index, test) in tests.enumerated() {
      handover.load(test.offset)
      handover.unless(.equal, test.value, over: (tests.count - index - 1) * 2 + 1)
    }
    handover.give(.allow)
    return handover
  }

  /// For one architecture, with the call's number loaded.
  private func part(_ profile: SeccompProfile, _ active: [SeccompRule], _ token: UInt32) -> ClassicProgram {
    var part = ClassicProgram()
    for refusal in profile.refusals {
      if let number = SeccompCalls.known(refusal.name, token) { part.append(refuse(refusal, number)) }
    }
    let newer = newerRules(active, token)
    let unknown = UInt32(ENOSYS)
    let names = profile.rules.flatMap(\.names)
    let isRefusing = if case .errno(let number) = profile.defaultAction { UInt32(number) != unknown } else { false }
    let known = names.compactMap { SeccompCalls.known($0, token) }.max() ?? 0
    let last = max(known, names.compactMap { SeccompCalls.newer($0, token) }.max() ?? 0)

    var tail = ClassicProgram()
    for rule in newer {
      tail.unless(.equal, rule.number, over: 1)
      tail.give(rule.action)
    }
    // A profile without a name in this architecture says nothing about what it knows.
    if isRefusing && last > 0 {
      tail.unless(.greater, last, over: 1)
      tail.give(.errno(UInt16(ENOSYS)))
    }
    guard tail.count > 0 else { return part }
    // One comparison decides for all calls that are neither.
    let first = newer.map(\.number).min() ?? .max
    let lowest = min(first, isRefusing && last > 0 ? last + 1 : .max)
    part.when(.atLeast, lowest, over: 1)
    part.skip(tail.count)
    part.append(tail)
    return part
  }

  private func refuse(_ refusal: SeccompRefusal, _ number: UInt32) -> ClassicProgram {
    var program = ClassicProgram()
    let comparisons = refusal.values.count * 2
    program.when(.equal, number, over: 1)
    program.skip(comparisons + 2)
    program.load(Offset.argument(refusal.argument))
    for value in refusal.values {
      program.unless(.equal, value, over: 1)
      program.give(.errno(UInt16(EPERM)))
    }
    program.load(Offset.number)
    return program
  }

  /// What is said about calls that the library does not know: rules for all arguments win, those with conditions are not for
  /// it to check here, and are left out.
  private func newerRules(_ active: [SeccompRule], _ token: UInt32) -> [(number: UInt32, action: SeccompAction)] {
    var rules: [UInt32: SeccompAction] = [:]
    for rule in active where rule.conditions.isEmpty {
      for name in rule.names {
        guard let number = SeccompCalls.newer(name, token) else { continue }
        rules[number] = rules[number] ?? rule.action
      }
    }
    return rules.map { (number: $0.key, action: $0.value) }.sorted { $0.number < $1.number }
  }
}

/// A program of classic BPF (linux/filter.h) that compares, skips and returns.
private struct ClassicProgram {
  private(set) var bytes: [UInt8] = []

  enum Comparison: UInt16 {
    // BPF_JMP | BPF_K with BPF_JEQ, BPF_JGT, BPF_JGE.
    case equal = 0x15
    case greater = 0x25
    case atLeast = 0x35
  }

  var count: Int { bytes.count / 8 }

  mutating func append(_ other: ClassicProgram) {
    bytes += other.bytes
  }

  /// Loads a word of struct seccomp_data (BPF_LD | BPF_W | BPF_ABS).
  mutating func load(_ offset: UInt32) {
    emit(0x20, value: offset)
  }

  /// Skips `count` instructions, fewer than 256, when the comparison holds.
  mutating func when(_ comparison: Comparison, _ value: UInt32, over count: UInt8) {
    emit(comparison.rawValue, ifTrue: count, value: value)
  }

  /// Skips `count` instructions unless the comparison holds.
  mutating func unless(_ comparison: Comparison, _ value: UInt32, over count: Int) {
    if let short = UInt8(exactly: count) {
      emit(comparison.rawValue, ifFalse: short, value: value)
    } else {
      when(comparison, value, over: 1)
      skip(count)
    }
  }

  /// Skips `count` instructions (BPF_JMP | BPF_JA).
  mutating func skip(_ count: Int) {
    emit(0x05, value: UInt32(count))
  }

  /// Ends with an action (BPF_RET | BPF_K).
  mutating func give(_ action: SeccompAction) {
    emit(0x06, value: action.rawValue)
  }

  private mutating func emit(_ code: UInt16, ifTrue: UInt8 = 0, ifFalse: UInt8 = 0, value: UInt32) {
    for shift in [0, 8] { bytes.append(UInt8(truncatingIfNeeded: code >> UInt16(shift))) }
    bytes += [ifTrue, ifFalse]
    for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
  }
}
