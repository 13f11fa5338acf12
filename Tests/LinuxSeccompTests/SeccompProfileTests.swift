import Glibc
import LinuxCapabilities
import LinuxSeccomp
import Testing

@Suite struct SeccompProfileTests {
  static func profile(_ json: String) throws -> SeccompProfile {
    try SeccompProfile(json: Array(json.utf8), source: "p.json")
  }

  @Test func reads() throws {
    let profile = try Self.profile(
      """
      {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
       "flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC"], "comment": "left out",
       "syscalls": [
         {"name": "read", "action": "SCMP_ACT_ALLOW", "args": null},
         {"names": ["socket", "socketpair"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97,
          "args": [{"index": 0, "value": 18446744073709551615, "valueTwo": 3, "op": "SCMP_CMP_MASKED_EQ"}],
          "includes": {"caps": ["CAP_SYS_ADMIN", "CAP_FROM_THE_FUTURE"], "arches": ["amd64"], "minKernel": "4.8"},
          "excludes": {}}]}
      """)
    let scope = SeccompScope(
      capabilities: .sysAdmin, unknownCapabilities: ["CAP_FROM_THE_FUTURE"], architectures: ["amd64"],
      minimumKernel: KernelVersion(4, 8))
    let architectures = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"].compactMap(SeccompArchitecture.init(profileName:))
    #expect(
      profile
        == SeccompProfile(
          defaultAction: .errno(38), architectures: .listed(architectures), flags: .log,
          rules: [
            SeccompRule(.allow, ["read"]),
            SeccompRule(
              .errno(97), ["socket", "socketpair"], [SeccompCondition(argument: 0, .masked, .max, 3)], includes: scope),
          ]))
  }

  @Test(arguments: [
    ("SCMP_ACT_KILL", SeccompAction.killThread), ("SCMP_ACT_KILL_THREAD", .killThread),
    ("SCMP_ACT_KILL_PROCESS", .killProcess), ("SCMP_ACT_TRAP", .trap), ("SCMP_ACT_ERRNO", .errno(1)),
    ("SCMP_ACT_TRACE", .trace(1)), ("SCMP_ACT_LOG", .log), ("SCMP_ACT_ALLOW", .allow),
  ])
  func actions(name: String, action: SeccompAction) throws {
    #expect(try Self.profile("{\"defaultAction\": \"\(name)\"}").defaultAction == action)
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    let json: String
    let message: String
    var testDescription: String { message }
    init(_ json: String, _ message: String) {
      self.json = json
      self.message = message
    }
    static func rule(_ json: String, _ message: String) -> Wrong {
      Wrong(
        "{\"defaultAction\": \"SCMP_ACT_LOG\", \"syscalls\": [{\"name\": \"a\", \"action\": \"SCMP_ACT_LOG\"}, \(json)]}",
        message)
    }
  }

  @Test(arguments: [
    Wrong("", "p.json: not a JSON document"),
    Wrong("{\"defaultAction\": \"SCMP_ACT_LOG\"", "p.json: not a JSON document"),
    Wrong("{}", "p.json: defaultAction: is missing"),
    Wrong("{\"defaultAction\": 7}", "p.json: defaultAction: is not a string"),
    Wrong("{\"defaultAction\": \"ALLOW\"}", "p.json: defaultAction: unknown action \"ALLOW\""),
    Wrong(
      "{\"defaultAction\": \"SCMP_ACT_LOG\", \"listenerPath\": \"/run/x\"}",
      "p.json: listenerPath: handing calls to a listener is not supported"),
    Wrong(
      "{\"defaultAction\": \"SCMP_ACT_LOG\", \"architectures\": [\"SCMP_ARCH_X86_64\", \"amd64\"]}",
      "p.json: architectures[1]: unknown architecture \"amd64\""),
    Wrong(
      "{\"defaultAction\": \"SCMP_ACT_LOG\", \"flags\": [\"LOG\"]}", "p.json: flags[0]: unknown flag \"LOG\""),
    .rule("{\"names\": [\"b\"], \"action\": \"\"}", "p.json: syscalls[1].action: unknown action \"\""),
    .rule("{\"names\": [\"b\"]}", "p.json: syscalls[1].action: is missing"),
    .rule("{\"action\": \"SCMP_ACT_LOG\"}", "p.json: syscalls[1].names: is missing or empty"),
    .rule(
      "{\"names\": [\"b\"], \"name\": \"c\", \"action\": \"SCMP_ACT_LOG\"}",
      "p.json: syscalls[1].name: name and names exclude each other"),
    .rule(
      "{\"name\": \"b\", \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 0, \"value\": 1, \"op\": \"EQ\"}]}",
      "p.json: syscalls[1].args[0].op: unknown comparison \"EQ\""),
    .rule(
      "{\"name\": \"b\", \"action\": \"SCMP_ACT_LOG\", \"args\": [{\"index\": 6, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}]}",
      "p.json: syscalls[1].args[0].index: 6 is not 0 to 5"),
    .rule(
      "{\"name\": \"b\", \"action\": \"SCMP_ACT_LOG\", \"includes\": {\"minKernel\": \"new\"}}",
      "p.json: syscalls[1].includes.minKernel: \"new\" is not a version such as 5.10"),
    .rule(
      "{\"name\": \"b\", \"action\": \"SCMP_ACT_NOTIFY\"}",
      "p.json: syscalls[1].action: SCMP_ACT_NOTIFY is not supported: there is no listener to ask"),
  ])
  func refuses(_ wrong: Wrong) {
    let error = #expect(throws: SeccompProfileError.self) { try Self.profile(wrong.json) }
    #expect(error?.description == wrong.message)
  }

  @Test func reportsEverything() {
    let error = #expect(throws: SeccompProfileError.self) {
      try Self.profile(
        "{\"defaultAction\": \"A\", \"flags\": [\"F\"], \"syscalls\": [{\"name\": \"b\", \"action\": \"B\"}]}")
    }
    #expect(error?.problems.map(\.key) == ["defaultAction", "flags[0]", "syscalls[0].action"])
  }

  @Test func versions() {
    #expect(KernelVersion("6.1.0-18-amd64") == KernelVersion(6, 1))
    #expect(KernelVersion("5.15+") == KernelVersion(5, 15))
    #expect(KernelVersion("6") == nil)
    #expect(KernelVersion("x.1") == nil)
    #expect(KernelVersion(4, 8) < KernelVersion(4, 10))
    #expect(KernelVersion(4, 20) < KernelVersion(5, 0))
  }
}
