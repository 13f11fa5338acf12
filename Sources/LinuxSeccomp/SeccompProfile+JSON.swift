import FoundationEssentials
import Glibc
import LinuxCapabilities
import LinuxSystem

/// What is wrong with a profile: everything that was found.
package struct SeccompProfileError: Error, Hashable, Sendable, CustomStringConvertible {
  package struct Problem: Hashable, Sendable, CustomStringConvertible {
    /// Where in the document, for example `syscalls[3].args[0].op`; empty is the document itself.
    package let key: String
    package let reason: String
    package var description: String { key.isEmpty ? reason : "\(key): \(reason)" }
  }

  /// The file, or what else the profile was read from.
  package let source: String
  package let problems: [Problem]

  /// `profile.json: syscalls[3].action: unknown action "ALLOW"`, a line for each problem.
  package var description: String {
    problems.map { "\(source): \($0)" }.joined(separator: "\n")
  }
}

extension SeccompProfile {
  /// Reads a profile in Docker's JSON form, or OCI's (`linux.seccomp` of a runtime configuration).
  ///
  /// - Parameters:
  ///   - source: what messages call it, most often the path.
  ///   - listenable: whether there is a way to hand calls to the listener that a document names.
  /// - Throws: everything that is wrong with it. Keys that neither form has are left out, as docker does.
  package init(json: [UInt8], source: String, listenable: Bool = false) throws(SeccompProfileError) {
    let document: Document
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(json))
    } catch {
      throw SeccompProfileError(source: source, problems: [Self.problem(error)])
    }
    var reading = Reading(hasListener: listenable && document.listenerPath?.isEmpty == false)
    if !listenable, let path = document.listenerPath, !path.isEmpty {
      reading.report("listenerPath", "handing calls to a listener is not supported")
    }
    self = reading.profile(document)
    guard reading.problems.isEmpty else { throw SeccompProfileError(source: source, problems: reading.problems) }
  }

  private static func problem(_ error: any Error) -> SeccompProfileError.Problem {
    func problem(_ path: [any CodingKey], _ reason: String) -> SeccompProfileError.Problem {
      var key = ""
      for step in path {
        if let index = step.intValue {
          key += "[\(index)]"
        } else {
          key += key.isEmpty ? step.stringValue : ".\(step.stringValue)"
        }
      }
      return SeccompProfileError.Problem(key: key, reason: reason)
    }
    guard let error = error as? DecodingError else { return problem([], "\(error)") }
    switch error {
    case .keyNotFound(let key, let context): return problem(context.codingPath + [key], "is missing")
    case .valueNotFound(_, let context): return problem(context.codingPath, "is null")
    case .typeMismatch(let type, let context): return problem(context.codingPath, "is not \(name(of: type))")
    case .dataCorrupted(let context):
      return problem(context.codingPath, context.codingPath.isEmpty ? "not a JSON document" : context.debugDescription)
    @unknown default: return problem([], "\(error)")
    }
  }

  private static func name(of type: any Any.Type) -> String {
    if type == String.self { return "a string" }
    if type is any BinaryInteger.Type { return "an integer of the allowed range" }
    if type is any Collection.Type { return "a list" }
    return "an object"
  }
}

// The documents' own shape.

private struct Document: Decodable {
  var defaultAction: String
  var defaultErrnoRet: UInt16?
  var architectures: [String]?
  var archMap: [ArchitectureEntry]?
  var flags: [String]?
  var listenerPath: String?
  var syscalls: [CallEntry]?
}

private struct ArchitectureEntry: Decodable {
  var architecture: String
  var subArchitectures: [String]?
}

private struct CallEntry: Decodable {
  var name: String?
  var names: [String]?
  var action: String
  var errnoRet: UInt16?
  var args: [ArgumentEntry]?
  var includes: ScopeEntry?
  var excludes: ScopeEntry?
}

private struct ArgumentEntry: Decodable {
  var index: UInt32
  var value: UInt64
  var valueTwo: UInt64?
  var op: String
}

private struct ScopeEntry: Decodable {
  var caps: [String]?
  var arches: [String]?
  var minKernel: String?
}

/// Turns a document into a profile, and goes on after a problem.
private struct Reading {
  /// Whether a call can be handed to somebody.
  let hasListener: Bool
  var problems: [SeccompProfileError.Problem] = []

  init(hasListener: Bool) {
    self.hasListener = hasListener
  }

  mutating func report(_ key: String, _ reason: String) {
    problems.append(SeccompProfileError.Problem(key: key, reason: reason))
  }

  mutating func profile(_ document: Document) -> SeccompProfile {
    let defaultAction = action(document.defaultAction, document.defaultErrnoRet, "defaultAction")
    let flags = flags(document.flags ?? [])
    let architectures = architectures(document)
    let rules = (document.syscalls ?? []).enumerated().map { rule($1, "syscalls[\($0)]") }
    return SeccompProfile(defaultAction: defaultAction, architectures: architectures, flags: flags, rules: rules)
  }

  private mutating func action(_ name: String, _ number: UInt16?, _ key: String) -> SeccompAction {
    // The runtime specification's default, which docker takes too.
    let number = number ?? UInt16(EPERM)
    switch name {
    case "SCMP_ACT_ALLOW": return .allow
    case "SCMP_ACT_ERRNO": return .errno(number)
    case "SCMP_ACT_LOG": return .log
    case "SCMP_ACT_TRACE": return .trace(number)
    case "SCMP_ACT_TRAP": return .trap
    case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": return .killThread
    case "SCMP_ACT_KILL_PROCESS": return .killProcess
    case "SCMP_ACT_NOTIFY":
      if hasListener { return .notify }
      report(key, "SCMP_ACT_NOTIFY is not supported: there is no listener to ask")
    default: report(key, "unknown action \"\(name)\"")
    }
    return .killProcess
  }

  private mutating func flags(_ names: [String]) -> SeccompFlags {
    var flags: SeccompFlags = []
    for (index, name) in names.enumerated() {
      switch name {
      case "SECCOMP_FILTER_FLAG_LOG": flags.insert(.log)
      case "SECCOMP_FILTER_FLAG_SPEC_ALLOW": flags.insert(.speculationAllowed)
      // The filter is loaded by a process with one thread, which hands it on to all that it will have.
      case "SECCOMP_FILTER_FLAG_TSYNC": break
      case "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV":
        flags.insert(.waitsKillable)
        if !hasListener { report("flags[\(index)]", "\(name) needs a listener, which is not supported") }
      default: report("flags[\(index)]", "unknown flag \"\(name)\"")
      }
    }
    return flags
  }

  private mutating func architectures(_ document: Document) -> SeccompProfile.Architectures {
    guard let map = document.archMap, !map.isEmpty else {
      return .listed(
        (document.architectures ?? []).enumerated().compactMap { architecture($1, "architectures[\($0)]") })
    }
    if document.architectures?.isEmpty == false { report("archMap", "architectures and archMap exclude each other") }
    var mapped: [SeccompArchitecture: [SeccompArchitecture]] = [:]
    for (index, entry) in map.enumerated() {
      let key = "archMap[\(index)]"
      guard let native = architecture(entry.architecture, "\(key).architecture") else { continue }
      mapped[native] = (entry.subArchitectures ?? []).enumerated()
        .compactMap { architecture($1, "\(key).subArchitectures[\($0)]") }
    }
    return .mapped(mapped)
  }

  private mutating func architecture(_ name: String, _ key: String) -> SeccompArchitecture? {
    guard let architecture = SeccompArchitecture(profileName: name) else {
      report(key, "unknown architecture \"\(name)\"")
      return nil
    }
    return architecture
  }

  private mutating func rule(_ entry: CallEntry, _ key: String) -> SeccompRule {
    var names = entry.names ?? []
    if let name = entry.name, !name.isEmpty {
      if !names.isEmpty { report("\(key).name", "name and names exclude each other") }
      names.append(name)
    }
    if names.isEmpty { report("\(key).names", "is missing or empty") }
    return SeccompRule(
      action(entry.action, entry.errnoRet, "\(key).action"), names,
      (entry.args ?? []).enumerated().compactMap { condition($1, "\(key).args[\($0)]") },
      includes: scope(entry.includes, "\(key).includes"), excludes: scope(entry.excludes, "\(key).excludes"))
  }

  private mutating func condition(_ entry: ArgumentEntry, _ key: String) -> SeccompCondition? {
    if entry.index > 5 { report("\(key).index", "\(entry.index) is not 0 to 5") }
    guard let comparison = SeccompCondition.Comparison(rawValue: entry.op) else {
      report("\(key).op", "unknown comparison \"\(entry.op)\"")
      return nil
    }
    return SeccompCondition(argument: entry.index, comparison, entry.value, entry.valueTwo ?? 0)
  }

  private mutating func scope(_ entry: ScopeEntry?, _ key: String) -> SeccompScope {
    var scope = SeccompScope()
    for name in entry?.caps ?? [] {
      if let number = CapabilityName.number(of: name) {
        scope.capabilities.insert(CapabilitySet(number: number))
      } else {
        scope.unknownCapabilities.append(name)
      }
    }
    scope.architectures = entry?.arches ?? []
    if let text = entry?.minKernel, !text.isEmpty {
      scope.minimumKernel = KernelVersion(text)
      if scope.minimumKernel == nil { report("\(key).minKernel", "\"\(text)\" is not a version such as 5.10") }
    }
    return scope
  }
}
