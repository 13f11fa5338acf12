import LinuxCapabilities
import LinuxSystem
import Testing

@Suite struct CapabilitySetTests {
  @Test(arguments: [
    ("CAP_NET_ADMIN", 12), ("NET_ADMIN", 12), ("net_admin", 12), ("cap_Net_Admin", 12), ("CHOWN", 0),
    ("CAP_CHECKPOINT_RESTORE", 40), ("SYSLOG", 34),
  ])
  func namesGiveNumbers(name: String, number: Int) {
    #expect(CapabilityName.number(of: name) == number)
  }

  @Test(arguments: ["", "CAP_", "NET ADMIN", "CAP_CAP_CHOWN", "41", "ALL"])
  func otherNamesGiveNone(name: String) {
    #expect(CapabilityName.number(of: name) == nil)
  }

  @Test func numbersAndNamesAgree() {
    for number in 0...40 { #expect(CapabilityName.number(of: CapabilityName.name(of: number)) == number) }
    #expect(CapabilityName.name(of: 41) == "CAP_41")
    #expect(CapabilitySet([.chown, .kill, CapabilitySet(number: 63)]).description == "CAP_CHOWN,CAP_KILL,CAP_63")
  }

  /// The mask of podman's list, as /proc/PID/status shows it.
  @Test func defaultIsPodmans() {
    #expect(CapabilitySet.containerDefault.rawValue == 0x8004_05fb)
    #expect(CapabilitySet.containerDefault.numbers.count == 11)
  }

  @Test func allOfKernel() throws {
    #expect(CapabilitySet.all(last: 40).rawValue == 0x1ff_ffff_ffff)
    #expect(CapabilitySet.all(last: 63).rawValue == .max)
    #expect(CapabilitySet.all(last: -1).isEmpty)
    #expect(try CapabilitySet.allOfKernel().contains(.bpf))
  }

  @Test func wire() throws {
    let state = CapabilityState(
      bounding: .containerDefault, effective: .chown, permitted: [.chown, .bpf], inheritable: .kill,
      ambient: CapabilitySet(number: 63))
    #expect(try CapabilityState(wireBytes: state.wireBytes) == state)
    #expect(throws: WireError.self) { try CapabilityState(wireBytes: Array(state.wireBytes.dropLast())) }
  }
}

@Suite struct CapabilityGrantTests {
  static let all = CapabilitySet.all(last: 40)

  struct Case: Sendable, CustomTestStringConvertible {
    var add: [String] = []
    var drop: [String] = []
    var privileged = false
    var granted: CapabilitySet
    var testDescription: String { "add \(add) drop \(drop)\(privileged ? " privileged" : "")" }
  }

  @Test(arguments: [
    Case(granted: .containerDefault),
    Case(add: ["NET_ADMIN"], granted: CapabilitySet.containerDefault.union(.netAdmin)),
    Case(drop: ["cap_chown"], granted: CapabilitySet.containerDefault.subtracting(.chown)),
    Case(drop: ["ALL"], granted: []),
    Case(add: ["CHOWN"], drop: ["all"], granted: .chown),
    Case(add: ["ALL"], granted: all),
    Case(add: ["ALL"], drop: ["SYS_ADMIN", "BPF"], granted: all.subtracting([.sysAdmin, .bpf])),
    Case(add: ["ALL"], drop: ["ALL"], granted: all),
    Case(add: ["KILL", "MKNOD"], drop: ["KILL"], granted: CapabilitySet.containerDefault.union(.mknod)),
    Case(drop: ["CHOWN"], privileged: true, granted: all),
  ])
  func resolves(_ test: Case) throws {
    let grant = try CapabilityGrant.resolve(
      add: test.add, drop: test.drop, privileged: test.privileged, available: Self.all)
    #expect(grant.granted == test.granted)
    #expect(grant.unavailable.isEmpty)
  }

  /// What the engine does not have itself is left out, and told of when it was asked for by name.
  @Test func unavailable() throws {
    let available = Self.all.subtracting([.sysResource, .kill])
    let named = try CapabilityGrant.resolve(add: ["SYS_RESOURCE"], drop: [], available: available)
    #expect(named.granted == CapabilitySet.containerDefault.subtracting(.kill))
    #expect(named.unavailable == .sysResource)
    let everything = try CapabilityGrant.resolve(add: ["ALL"], drop: [], available: available)
    #expect(everything.granted == available)
    #expect(everything.unavailable.isEmpty)
  }

  @Test func unknownNamesAreAllReported() {
    let error = #expect(throws: UnknownCapabilities.self) {
      try CapabilityGrant.resolve(add: ["NET_ADMN", "CHOWN"], drop: ["FROBNICATE"], available: Self.all)
    }
    #expect(
      error?.description
        == "unknown capability \"NET_ADMN\" (did you mean CAP_NET_ADMIN?); unknown capability \"FROBNICATE\"")
  }

  @Test func partOfANameIsAHint() {
    let text = UnknownCapabilities(names: ["NET"]).description
    #expect(text.contains("CAP_NET_RAW") && text.contains("CAP_NET_ADMIN"))
  }
}
