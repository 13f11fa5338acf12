import CLinuxShim
import Glibc
import LinuxCapabilities
import LinuxSeccomp
import LinuxSystem
import TestSupport
import Testing

@Suite struct CompileTests {
  static let allow: UInt32 = 0x7fff_0000

  func filter(
    _ profile: SeccompProfile, _ capabilities: CapabilitySet = [], kernel: KernelVersion? = nil
  ) throws -> FilterInterpreter {
    FilterInterpreter(try profile.compile(capabilities: capabilities, kernel: kernel))
  }

  @Test func conditionsOnOneArgumentAreAlternatives() throws {
    let filter = try filter(
      SeccompProfile(
        defaultAction: .errno(1),
        rules: [
          SeccompRule(
            .allow, ["personality"],
            [SeccompCondition(argument: 0, .equal, 3), SeccompCondition(argument: 0, .equal, 5)])
        ]))
    #expect([3, 4, 5].map { filter.decide(135, [$0]) } == [Self.allow, 0x5_0001, Self.allow])
  }

  @Test func conditionsOnTwoArgumentsMustBothHold() throws {
    let filter = try filter(
      SeccompProfile(
        defaultAction: .allow,
        rules: [
          SeccompRule(
            .errno(13), ["socket"],
            [SeccompCondition(argument: 0, .equal, 2), SeccompCondition(argument: 1, .notEqual, 1)])
        ]))
    #expect(filter.decide(41, [2, 3]) == 0x5_000d)
    #expect(filter.decide(41, [2, 1]) == Self.allow)
    #expect(filter.decide(41, [3, 3]) == Self.allow)
  }

  @Test(
    arguments: [
      (SeccompAction.killProcess, 0x8000_0000), (.killThread, 0), (.trap, 0x3_0000), (.errno(13), 0x5_000d),
      (.trace(7), 0x7ff0_0007), (.log, 0x7ffc_0000),
    ] as [(SeccompAction, UInt32)])
  func actions(action: SeccompAction, value: UInt32) throws {
    let filter = try filter(SeccompProfile(defaultAction: .allow, rules: [SeccompRule(action, ["getppid"])]))
    #expect(filter.decide(110) == value)
    #expect(filter.decide(39) == Self.allow)
  }

  @Test func scopes() throws {
    let profile = SeccompProfile(
      defaultAction: .errno(1),
      rules: [
        SeccompRule(.allow, ["getppid"], includes: SeccompScope(capabilities: [.kill, .chown])),
        SeccompRule(.allow, ["getpid"], excludes: SeccompScope(capabilities: [.kill, .sysAdmin])),
        SeccompRule(.allow, ["getuid"], includes: SeccompScope(minimumKernel: KernelVersion(6, 5))),
        SeccompRule(.allow, ["getgid"], includes: SeccompScope(unknownCapabilities: ["CAP_FROM_THE_FUTURE"])),
        SeccompRule(.allow, ["gettid"], includes: SeccompScope(architectures: ["s390x"])),
      ])
    func allowed(_ capabilities: CapabilitySet, _ kernel: KernelVersion) throws -> [Bool] {
      let filter = try filter(profile, capabilities, kernel: kernel)
      return [110, 39, 102, 104, 186].map { filter.decide($0) == Self.allow }
    }
    #expect(try allowed([], KernelVersion(6, 4)) == [false, true, false, false, false])
    #expect(try allowed([.kill], KernelVersion(6, 5)) == [false, false, true, false, false])
    #expect(try allowed([.kill, .chown], KernelVersion(7, 0)) == [true, false, true, false, false])
  }

  /// ENOSYS begins after the newest call that the profile names, known to the library or not, and only where the default is
  /// another error.
  @Test(
    arguments: [
      (["read", "close_range"], 436), (["read", "mseal"], 462), (["cachestat"], 451), (["no_such_call", "read"], 0),
    ] as [([String], UInt32)])
  func newerThanTheProfile(names: [String], last: UInt32) throws {
    let rules = [SeccompRule(.allow, names)]
    let refusing = try filter(SeccompProfile(defaultAction: .errno(1), rules: rules))
    if last > 0 {
      #expect(refusing.decide(last) == Self.allow)
      #expect(refusing.decide(last - 1) == 0x5_0001)
      #expect(refusing.decide(last + 1) == 0x5_0026)
    }
    #expect(refusing.decide(470) == 0x5_0026 || last == 0)
    let killing = try filter(SeccompProfile(defaultAction: .killProcess, rules: rules))
    #expect(killing.decide(470) == 0x8000_0000)
    let allowing = try filter(
      SeccompProfile(defaultAction: .allow, rules: [SeccompRule(.errno(5), names)]))
    #expect(allowing.decide(470) == Self.allow)
    if last > 0 { #expect(allowing.decide(last) == 0x5_0005) }
  }

  @Test func duplicatesAreHarmless() throws {
    let rule = SeccompRule(.allow, ["socket"], [SeccompCondition(argument: 0, .equal, 2)])
    let filter = try filter(
      SeccompProfile(
        defaultAction: .errno(1),
        rules: [rule, rule, SeccompRule(.allow, ["read", "read"]), SeccompRule(.errno(1), ["write"])]))
    #expect(filter.decide(41, [2]) == Self.allow)
    #expect(filter.decide(41, [3]) == 0x5_0001)
    #expect(filter.decide(0) == Self.allow)
    #expect(filter.decide(1) == 0x5_0001)
  }

  @Test func flagsAndWire() throws {
    let filter = try SeccompProfile(
      defaultAction: .allow, flags: [.log, .speculationAllowed], rules: [SeccompRule(.errno(1), ["bpf"])]
    ).compile(capabilities: [])
    #expect(filter.flags.rawValue == 6)
    #expect(try CompiledFilter(wireBytes: filter.wireBytes) == filter)
    #expect(throws: WireError.self) {
      try CompiledFilter(wireBytes: CompiledFilter(instructions: [1, 2, 3], flags: []).wireBytes)
    }
  }

  /// The kernel takes the default filter, and does what the interpreter says.
  @Test(.privateNamespace) func kernelTakesIt() throws {
    let filter = try SeccompProfile.default.compile(capabilities: .containerDefault)
    let results = try onOwnThread { () -> [CInt] in
      try filter.load()
      var results = [stk_unshare(CLONE_NEWUTS), stk_setns(-1, 0)]
      results.append(socket(AF_ALG, CInt(SOCK_SEQPACKET.rawValue), 0) < 0 ? -errno : 0)
      // Without the filter these fail too, but with EBADF, as the last one does.
      for request: UInt in [0x5412, 0x9_0000_5412, 0x5401] { results.append(stk_ioctl_int(-1, request, 0)) }
      return results
    }
    let expected = [-EPERM, -EPERM, -EPERM, -EPERM, -EPERM, -EBADF]
    #expect(results == expected)
  }

  @Test(.privateNamespace) func refusedWithoutPrivilege() throws {
    let filter = try SeccompProfile(defaultAction: .allow, rules: []).compile(capabilities: [])
    let error = try onOwnThread { () -> SystemCallError? in
      try ProcessCapabilities.apply(CapabilityState(bounding: [], effective: [], permitted: []))
      do throws(SystemCallError) {
        try filter.load()
        return nil
      } catch {
        return error
      }
    }
    #expect(error == SystemCallError("seccomp", .permissionDenied))
  }
}
