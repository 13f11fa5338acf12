import FoundationEssentials

/// A profile that cannot be used: where in it, and why.
package struct SeccompProfileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// For example `syscalls[3].action`.
  package let path: String
  package let reason: String
  package var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}

extension SeccompProfile {
  /// A profile in the JSON form of Docker (with `archMap`, `includes`, `excludes`) or of the OCI runtime specification.
  package init(json: [UInt8]) throws(SeccompProfileError) {
    let file: File
    do {
      file = try JSONDecoder().decode(File.self, from: Data(json))
    } catch let error as DecodingError {
      throw Self.explained(error)
    } catch {
      throw SeccompProfileError(path: "", reason: "not JSON: \(error)")
    }
    self.init(
      defaultAction: try Self.action(file.defaultAction, errno: file.defaultErrnoRet, at: "defaultAction"))
    if file.listenerPath != nil {
      throw SeccompProfileError(path: "listenerPath", reason: "notification of a listener is not supported")
    }
    let mapped = (file.archMap ?? []).first { $0.architecture == Self.nativeArchitecture }
    architectures = (mapped?.subArchitectures ?? []) + (file.architectures ?? []).filter { $0 != Self.nativeArchitecture }
    flags = file.flags ?? []
    for (index, entry) in (file.syscalls ?? []).enumerated() {
      rules.append(try Self.rule(entry, at: "syscalls[\(index)]"))
    }
  }

  #if arch(x86_64)
    static let nativeArchitecture = "SCMP_ARCH_X86_64"
    static let goArchitecture = "amd64"
  #else
    static let nativeArchitecture = "SCMP_ARCH_AARCH64"
    static let goArchitecture = "arm64"
  #endif

  private struct File: Decodable {
    var defaultAction: String
    var defaultErrnoRet: UInt16?
    var archMap: [ArchitectureMap]?
    var architectures: [String]?
    var flags: [String]?
    var listenerPath: String?
    var syscalls: [Entry]?
  }

  private struct ArchitectureMap: Decodable {
    var architecture: String
    var subArchitectures: [String]?
  }

  private struct Entry: Decodable {
    var name: String?
    var names: [String]?
    var action: String
    var errnoRet: UInt16?
    var args: [Argument]?
    var includes: Conditions?
    var excludes: Conditions?
  }

  private struct Argument: Decodable {
    var index: UInt32
    var value: UInt64
    var valueTwo: UInt64?
    var op: String
  }

  private struct Conditions: Decodable {
    var caps: [String]?
    var arches: [String]?
    var minKernel: String?
  }

  private static func rule(_ entry: Entry, at path: String) throws(SeccompProfileError) -> Rule {
    let names = (entry.names ?? []) + (entry.name.map { [$0] } ?? [])
    guard !names.isEmpty else { throw SeccompProfileError(path: path, reason: "it has no names") }
    var rule = Rule(names, try action(entry.action, errno: entry.errnoRet, at: "\(path).action"))
    for (index, argument) in (entry.args ?? []).enumerated() {
      let place = "\(path).args[\(index)]"
      guard argument.index < 6 else {
        throw SeccompProfileError(path: "\(place).index", reason: "a system call has arguments 0 to 5")
      }
      guard let comparison = Comparison(rawValue: argument.op) else {
        throw SeccompProfileError(path: "\(place).op", reason: "there is no comparison \(argument.op)")
      }
      rule.conditions.append(Condition(argument.index, comparison, argument.value, argument.valueTwo ?? 0))
    }
    rule.includes = try filter(entry.includes, at: "\(path).includes")
    rule.excludes = try filter(entry.excludes, at: "\(path).excludes")
    return rule
  }

  private static func filter(_ conditions: Conditions?, at path: String) throws(SeccompProfileError) -> Filter {
    var filter = Filter()
    filter.capabilities = conditions?.caps ?? []
    filter.architectures = conditions?.arches ?? []
    if let text = conditions?.minKernel {
      guard let version = KernelVersion(text) else {
        throw SeccompProfileError(path: "\(path).minKernel", reason: "\(text) is no kernel version")
      }
      filter.minimumKernel = version
    }
    return filter
  }

  private static func action(
    _ name: String, errno: UInt16?, at path: String
  ) throws(SeccompProfileError) -> Action {
    switch name {
    case "SCMP_ACT_ALLOW": .allow
    case "SCMP_ACT_LOG": .log
    case "SCMP_ACT_ERRNO": .errno(errno ?? 1)
    case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": .killThread
    case "SCMP_ACT_KILL_PROCESS": .killProcess
    case "SCMP_ACT_TRAP": .trap
    case "SCMP_ACT_TRACE": .trace(errno ?? 1)
    case "SCMP_ACT_NOTIFY":
      throw SeccompProfileError(path: path, reason: "notification of a listener is not supported")
    default: throw SeccompProfileError(path: path, reason: "there is no action \(name)")
    }
  }

  private static func explained(_ error: DecodingError) -> SeccompProfileError {
    func text(_ path: [any CodingKey]) -> String {
      path.map { key in key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)" }.joined().drop { $0 == "." }.description
    }
    switch error {
    case .keyNotFound(let key, let context):
      return SeccompProfileError(path: text(context.codingPath), reason: "\(key.stringValue) is missing")
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      return SeccompProfileError(path: text(context.codingPath), reason: context.debugDescription)
    @unknown default: return SeccompProfileError(path: "", reason: "\(error)")
    }
  }
}
