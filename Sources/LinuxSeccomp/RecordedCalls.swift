import LinuxSystem

/// The system calls that somebody was seen to make, and the smallest profile that allows them.
package struct RecordedCalls: Hashable, Sendable {
  package struct Call: Hashable, Comparable, Sendable {
    /// The kernel's number of the architecture (AUDIT_ARCH_*).
    package let architecture: UInt32
    package let number: UInt32

    package init(architecture: UInt32, number: UInt32) {
      self.architecture = architecture
      self.number = number
    }

    package static func < (left: Call, right: Call) -> Bool {
      (left.architecture, left.number) < (right.architecture, right.number)
    }
  }

  package var calls: Set<Call> = []

  package init() {}

  /// Calls that a program makes without having been seen to: when a signal comes, and when it ends.
  private static let always: Set<String> = ["exit", "exit_group", "restart_syscall", "rt_sigreturn"]

  /// Names, sorted; a call that has none here is left out.
  package var names: [String] {
    Self.always.union(calls.compactMap { SeccompCalls.name($0.number, $0.architecture) }).sorted()
  }

  /// A profile in Docker's JSON form. Everything else fails with EPERM.
  package var profile: String {
    let names = names
    var entries = [Self.entry(names, "\"action\": \"SCMP_ACT_ALLOW\"")]
    if !names.contains("clone3") {
      // The C library makes threads by it, and does without it only where there is none (ENOSYS).
      entries.append(Self.entry(["clone3"], "\"action\": \"SCMP_ACT_ERRNO\",\n      \"errnoRet\": 38"))
    }
    return """
      {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "architectures": [\(architectures.map { "\"\($0)\"" }.joined(separator: ", "))],
        "syscalls": [
      \(entries.joined(separator: ",\n"))
        ]
      }

      """
  }

  private static func entry(_ names: [String], _ action: String) -> String {
    let list = names.map { "        \"\($0)\"" }.joined(separator: ",\n")
    return "    {\n      \"names\": [\n\(list)\n      ],\n      \(action)\n    }"
  }

  private var architectures: [String] {
    var names = ["SCMP_ARCH_" + SeccompArchitecture.native.name.uppercased()]
    if calls.contains(where: { $0.architecture == SeccompCalls.x86 }) { names.append("SCMP_ARCH_X86") }
    if calls.contains(where: { $0.architecture == SeccompCalls.x86x64 && $0.number & SeccompCalls.x32Bit != 0 }) {
      names.append("SCMP_ARCH_X32")
    }
    return names
  }
}

extension RecordedCalls: WireCodable {
  package init(from reader: inout WireReader) throws(WireError) {
    self.init()
    for _ in 0..<(try reader.integer(UInt32.self)) {
      calls.insert(Call(architecture: try reader.integer(UInt32.self), number: try reader.integer(UInt32.self)))
    }
  }

  package func write(to writer: inout WireWriter) {
    writer.integer(UInt32(calls.count))
    for call in calls.sorted() {
      writer.integer(call.architecture)
      writer.integer(call.number)
    }
  }
}

extension SeccompProfile {
  /// The same restrictions, but a listener is told of every call that is made.
  package var recording: SeccompProfile {
    func asking(_ action: SeccompAction) -> SeccompAction { action == .allow ? .notify : action }
    var copy = self
    copy.defaultAction = asking(defaultAction)
    for index in copy.rules.indices { copy.rules[index].action = asking(copy.rules[index].action) }
    return copy
  }

  /// No restrictions, for who has none and is to be recorded.
  package static let open = SeccompProfile(
    defaultAction: .allow, architectures: SeccompProfile.default.architectures, rules: [])

  package var asksListener: Bool { defaultAction == .notify || rules.contains { $0.action == .notify } }
}
