import Glibc
import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem
import Testing

/// Our default profile against Docker's, both as the kernel would see them.
@Suite struct DefaultProfileTests {
  static let allow: UInt32 = 0x7fff_0000
  static func refused(_ number: CInt = EPERM) -> UInt32 { 0x0005_0000 | UInt32(number) }

  static let moby: SeccompProfile? = {
    let here = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    let path = "/\(here)/Fixtures/seccomp/moby-default.json"
    return (try? Files.readAll(path)).flatMap { try? SeccompProfile(json: $0, source: path) }
  }()

  static let dockerDefault: CapabilitySet = [.containerDefault, .mknod, .netRaw, .auditWrite]

  /// Calls in which some rule looks at an argument: ioctl, socket, clone, personality, socketcall.
  static let inspected: [FilterInterpreter.Architecture: Set<UInt32>] = [
    .x86x64: [16, 41, 56, 135, 0x4000_0202, 0x4000_0029, 0x4000_0038, 0x4000_0087], .x86: [54, 359, 120, 136, 102],
  ]
  /// For all other calls: a rule that looks at an argument by mistake shows.
  static let fewArguments: [[UInt64]] = [[], [2, 2, 2, 2, 2, 2], [38], [40], [.max, .max, .max]]

  /// What the rules might look for.
  static let arguments: [[UInt64]] =
    [[]]
    + (0...64).map { [$0] }
    + [0x8, 0x2_0000, 0x2_0008, 0x4_0000, 0x40_0000, 0xffff_ffff, .max].map { [$0] }
    + (0..<64).map { [1 << $0] }
    + [0x7e02_0000, 0x1200_0011, 0x5_0011, 0x1_0000_0026, 0x1_0000_0028].map { [$0] }
    + [[0, 0x5401], [0, 0x1_5412]]

  @Test(arguments: [
    [], DefaultProfileTests.dockerDefault, .containerDefault, [.containerDefault, .sysAdmin],
    [.containerDefault, .sysPtrace], [.containerDefault, .netAdmin], [.sysChroot, .sysTime, .sysNice],
    [.bpf, .perfmon, .syslog, .dacReadSearch], [.sysBoot, .sysModule, .sysPacct, .sysRawio, .sysTtyConfig],
    CapabilitySet.all(last: 40),
  ])
  func equalsDockers(capabilities: CapabilitySet) throws {
    let moby = FilterInterpreter(try #require(Self.moby).compile(capabilities: capabilities))
    let ours = FilterInterpreter(try SeccompProfile.default.compile(capabilities: capabilities))
    var different: [FilterInterpreter.Call] = []
    var numbers = Array(UInt32(0)...600)
    numbers += (0...600).map { 0x4000_0000 + $0 } + [.max, 0x8000_0000, 0x3fff_ffff]
    for architecture in FilterInterpreter.Architecture.allCases {
      for number in numbers {
        let isInspected = Self.inspected[architecture]?.contains(number) == true
        for arguments in isInspected ? Self.arguments : Self.fewArguments {
          let call = FilterInterpreter.Call(number: number, architecture: architecture, arguments: arguments)
          let decision = ours.decide(call)
          if decision == nil || decision != moby.decide(call) { different.append(call) }
        }
      }
    }
    #expect(different.isEmpty, "\(different.prefix(5))")
  }

  /// What the profile means, told without it.
  @Test(
    arguments: [
      ("read", 0, [], allow), ("mseal", 462, [], allow), ("removexattrat", 466, [], allow),
      ("uretprobe", 335, [], allow),
      ("socket AF_INET", 41, [2], allow), ("socket AF_ALG", 41, [38], refused()), ("socket 39", 41, [39], allow),
      ("socket AF_VSOCK", 41, [40], refused()), ("socket 41", 41, [41], allow),
      ("clone thread", 56, [0x3d_0f00], allow), ("clone NEWUSER", 56, [0x1000_0011], refused()),
      ("clone NEWNET", 56, [0x4000_0011], refused()), ("clone3", 435, [], refused(ENOSYS)),
      ("personality LINUX", 135, [0], allow), ("personality ADDR_NO_RANDOMIZE", 135, [0x4_0000], refused()),
      ("unshare", 272, [], refused()), ("setns", 308, [], refused()), ("mount", 165, [], refused()),
      ("bpf", 321, [], refused()), ("keyctl", 250, [], refused()), ("userfaultfd", 323, [], refused()),
      ("io_uring_setup", 425, [], refused()), ("perf_event_open", 298, [], refused()), ("chroot", 161, [], allow),
      ("lsm_list_modules", 461, [], refused()), ("after the last", 500, [], refused(ENOSYS)),
      ("ioctl TCGETS", 16, [0, 0x5401], allow), ("ioctl TIOCSTI", 16, [0, 0x5412], refused()),
      ("ioctl TIOCLINUX", 16, [0, 0x541c], refused()),
      ("ioctl TIOCSTI with a bit above", 16, [0, 0x7_0000_5412], refused()),
      ("x32 read", 0x4000_0000, [], allow), ("x32 ioctl TIOCSTI", 0x4000_0202, [0, 0x5412], refused()),
      ("x32 bpf", 0x4000_0141, [], refused()), ("x32 after the last", 0x4000_0400, [], refused(ENOSYS)),
    ] as [(String, UInt32, [UInt64], UInt32)])
  func decides(name: String, number: UInt32, arguments: [UInt64], decision: UInt32) throws {
    let filter = FilterInterpreter(try SeccompProfile.default.compile(capabilities: .containerDefault))
    #expect(filter.decide(number, arguments) == decision)
  }

  @Test(
    arguments: [
      ("read", 3, [], allow), ("ioctl TIOCSTI", 54, [0, 0x5412], refused()), ("socketcall", 102, [1], allow),
      ("socket AF_ALG", 359, [38], refused()), ("mseal", 462, [], allow), ("after the last", 500, [], refused(ENOSYS)),
      ("uretprobe's number on x86-64", 335, [], allow),
    ] as [(String, UInt32, [UInt64], UInt32)])
  func decides32(name: String, number: UInt32, arguments: [UInt64], decision: UInt32) throws {
    let filter = FilterInterpreter(try SeccompProfile.default.compile(capabilities: .containerDefault))
    #expect(filter.decide(number, arguments, .x86) == decision)
  }

  /// Another machine's calls end the thread.
  @Test func foreignArchitecture() throws {
    let filter = FilterInterpreter(try SeccompProfile.default.compile(capabilities: []))
    #expect(filter.decide(0, [], .arm64) == 0)
  }
}
