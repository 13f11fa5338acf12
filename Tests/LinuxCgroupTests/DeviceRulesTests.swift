import LinuxCgroup
import LinuxSystem
import Testing

@Suite struct DeviceRulesTests {
  @Test(arguments: [("rwm", 7), ("r", 2), ("wm", 5), ("", nil), ("x", nil), ("rx", nil)] as [(String, UInt8?)])
  func access(letters: String, bits: UInt8?) {
    #expect(DeviceRules.Access(letters)?.rawValue == bits)
  }

  @Test func version1() {
    let rules = DeviceRules(allowed: [
      .init(.character, nil, nil, .mknod), .init(.block, 8, nil, [.read, .mknod]), .init(.character, 1, 3),
    ])
    #expect(
      rules.legacyWrites.map { "\($0.file) \($0.value)" }
        == ["devices.deny a", "devices.allow c *:* m", "devices.allow b 8:* rm", "devices.allow c 1:3 rwm"])
    #expect(DeviceRules.all.legacyWrites.map(\.value) == ["a"])
  }

  @Test func wire() throws {
    var rules = DeviceRules.containerDefault
    rules.allowed.append(.init(.block, nil, 4, .read))
    #expect(try DeviceRules(wireBytes: rules.wireBytes) == rules)
  }

  struct Access: Sendable {
    let kind: UInt32
    let access: UInt32
    let major: UInt32
    let minor: UInt32
    let isAllowed: Bool
    init(_ kind: UInt32, _ access: UInt32, _ major: UInt32, _ minor: UInt32, _ isAllowed: Bool) {
      (self.kind, self.access, self.major, self.minor, self.isAllowed) = (kind, access, major, minor, isAllowed)
    }
  }

  /// Kinds: 1 block, 2 character. Access: 1 mknod, 2 read, 4 write.
  @Test(arguments: [
    Access(2, 6, 1, 3, true), Access(2, 2, 1, 4, false), Access(2, 1, 1, 4, true), Access(1, 1, 8, 0, true),
    Access(1, 2, 8, 0, false), Access(2, 6, 136, 77, true), Access(1, 6, 136, 77, false), Access(2, 3, 10, 200, false),
    Access(1, 2, 7, 1, true), Access(1, 4, 7, 1, false), Access(1, 3, 7, 1, true), Access(1, 6, 7, 1, false),
  ])
  func version2(_ test: Access) {
    var rules = DeviceRules.containerDefault
    rules.allowed.append(.init(.block, 7, nil, [.read, .mknod]))
    #expect(Self.run(DeviceProgram(rules), test) == (test.isAllowed ? 1 : 0))
    #expect(Self.run(DeviceProgram(.all), test) == 1)
    #expect(Self.run(DeviceProgram(DeviceRules(allowed: [])), test) == 0)
  }

  /// Runs a program as the kernel does (linux/bpf.h), as far as these go.
  static func run(_ program: DeviceProgram, _ access: Access) -> UInt64? {
    let context: [UInt32] = [access.access << 16 | access.kind, access.major, access.minor]
    var registers = [UInt64](repeating: 0, count: 11)
    var position = 0
    while position < program.instructions.count {
      let instruction = program.instructions[position]
      position += 1
      let target = Int(instruction >> 8 & 0xf)
      let source = Int(instruction >> 12 & 0xf)
      let offset = Int(instruction >> 16 & 0xffff)
      let immediate = instruction >> 32
      switch instruction & 0xff {
      case 0x61: registers[target] = UInt64(context[offset / 4])
      case 0x54: registers[target] = registers[target] & immediate
      case 0x74: registers[target] = registers[target] >> immediate
      case 0xbc: registers[target] = registers[source] & 0xffff_ffff
      case 0x56: position += registers[target] & 0xffff_ffff == immediate ? 0 : offset
      case 0xb7: registers[target] = immediate
      case 0x95: return registers[0]
      default: return nil
      }
    }
    return nil
  }
}
