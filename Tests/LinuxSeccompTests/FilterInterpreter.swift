import LinuxSeccomp

/// Runs a filter as the kernel does (linux/filter.h), on a call that nobody makes.
struct FilterInterpreter {
  /// struct seccomp_data.
  struct Call: Hashable {
    var number: UInt32
    var architecture = Architecture.x86x64
    var arguments: [UInt64] = []

    /// Word at a byte offset.
    func word(_ offset: Int) -> UInt32 {
      switch offset {
      case 0: return number
      case 4: return architecture.rawValue
      case 8, 12: return 0
      default:
        let index = (offset - 16) / 8
        let value = index < arguments.count ? arguments[index] : 0
        return UInt32(truncatingIfNeeded: offset % 8 == 0 ? value : value >> 32)
      }
    }
  }

  enum Architecture: UInt32, CaseIterable {
    case x86x64 = 0xc000_003e
    case x86 = 0x4000_0003
    case arm64 = 0xc000_00b7
  }

  private struct Instruction {
    var code: UInt16
    var ifTrue: Int
    var ifFalse: Int
    var value: UInt32
  }

  private let program: [Instruction]

  init(_ filter: CompiledFilter) {
    let bytes = filter.instructions
    program = stride(from: 0, to: bytes.count, by: 8).map { at in
      Instruction(
        code: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8, ifTrue: Int(bytes[at + 2]), ifFalse: Int(bytes[at + 3]),
        value: (0..<4).reduce(0) { $0 | UInt32(bytes[at + 4 + $1]) << UInt32(8 * $1) })
    }
  }

  /// The filter's return value, or nil when the program is not one that the kernel would take.
  func decide(_ call: Call) -> UInt32? {
    var accumulator: UInt32 = 0
    var position = 0
    while position < program.count {
      let instruction = program[position]
      position += 1
      func jump(_ holds: Bool) { position += holds ? instruction.ifTrue : instruction.ifFalse }
      switch instruction.code {
      case 0x20: accumulator = call.word(Int(instruction.value))
      case 0x54: accumulator &= instruction.value
      case 0x05: position += Int(instruction.value)
      case 0x15: jump(accumulator == instruction.value)
      case 0x25: jump(accumulator > instruction.value)
      case 0x35: jump(accumulator >= instruction.value)
      case 0x45: jump(accumulator & instruction.value != 0)
      case 0x06: return instruction.value
      default: return nil
      }
    }
    return nil
  }

  func decide(
    _ number: UInt32, _ arguments: [UInt64] = [], _ architecture: Architecture = .x86x64
  ) -> UInt32? {
    decide(Call(number: number, architecture: architecture, arguments: arguments))
  }
}
